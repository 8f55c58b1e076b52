#!/usr/bin/env bash
# check.sh FOLDER MVN LOCAL_REPOSITORY VERSION TIMESTAMP OPENBLAS_VERSION OPENBLAS_PLATFORM NETTY_VERSION
# ARROW_VERSION ONNXRUNTIME_VERSION: makes a release twice, in two copies of the sources and with a key of its
# own, and checks what is staged. Nobody's keys and no installed artifact are used.
set -euo pipefail
folder=$1 mvn=$2 repository=$3 version=$4 timestamp=$5 openblas=$6 platform=$7 netty=$8 arrow=$9 onnxruntime=${10}
here=$(cd "$(dirname "$0")" && pwd)
home=https://tensorarena.invalid
published="tensorarena tensorarena-arrow tensorarena-blas tensorarena-bom tensorarena-ffm tensorarena-jna tensorarena-netty tensorarena-onnxruntime"

fail() {
  echo "release/check.sh: $*" >&2
  exit 1
}
command -v gpg >/dev/null || fail "there is no gpg (Debian: apt-get install gnupg)"

# Its day is the changelog's and that of its files.
newest=$(sed -n 's/^## //p' "$here/../CHANGELOG.md" | head -n 1)
dated="$version, ${timestamp%T*}"
[[ $version == *-SNAPSHOT ]] && dated="${version%-SNAPSHOT}, not released yet"
[[ $newest == "$dated" ]] ||
  fail "CHANGELOG.md begins with \"$newest\", and by pom.xml (version, project.build.outputTimestamp) it is \"$dated\""
grep --quiet --fixed-strings "<version>$version</version>" "$here/../README.md" ||
  fail "README.md has another version than $version"

rm -rf "$folder"
mkdir -p "$folder"
touch "$folder/begun"
GNUPGHOME=$(mktemp -d) # short, since the path of its agent's socket must be
export GNUPGHOME
trap 'gpgconf --kill gpg-agent; rm -rf "$GNUPGHOME"' EXIT
gpg --batch --quiet --passphrase '' --quick-generate-key 'A key for a minute' ed25519 sign 1d

copy() { # copy NAME: the sources, into a folder of that name
  mkdir "$folder/$1"
  (cd "$here/.." && git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2>/dev/null |
    tar --create --files-from=-) | tar --extract --directory="$folder/$1"
}
release() { # release NAME ARGUMENT...: in the folder of that name
  (cd "$folder/$1" && "$mvn" --batch-mode --quiet "-Dmaven.repo.local=$repository" -Prelease "${@:2}")
}
build() { # build NAME: the staged files
  release "$1" deploy -Dmaven.install.skip "-Dtensorarena.home=$home" -DskipTests -Dmaven.test.skip -Dspotless.check.skip \
    --projects java/bom,java/core,java/ffm,java/arrow,java/jna,java/blas,java/netty,java/onnxruntime --also-make
}
copy first
copy the-second-elsewhere
# What an earlier build had and this one does not build.
stale=$folder/the-second-elsewhere/java/core/target/classes/natives/plan9-x86_64
mkdir -p "$stale"
echo stale >"$stale/libtensorarena.so"

# Nobody's address is refused, before anything is built.
! refusal=$(release first --non-recursive validate) || fail "a release that names nobody's address is not refused"
[[ $refusal == *-Dtensorarena.home=https://* ]] || fail "the refusal does not say what to do: $refusal"

build first
build the-second-elsewhere
staging=$folder/first/target/staging
[[ -z $(find "$repository/dev/tensorarena" -name '*.pom' -newer "$folder/begun" 2>/dev/null) ]] ||
  fail "the builds have installed into $repository, which is the user's"

# What is there.
[[ $(cd "$staging/dev/tensorarena" && echo *) == "$published" ]] ||
  fail "other artifacts are staged than $published: $(ls "$staging/dev/tensorarena")"

files() { # files STAGING: what is staged of each artifact, without signatures, checksums and lists of versions
  (cd "$1" && find . -type f ! -name '*.asc*' ! -name '*.md5' ! -name '*.sha1' ! -name 'maven-metadata*' | sort)
}
# A snapshot has its time in the name.
names() { sed -E "s/${version%-SNAPSHOT}-[0-9]{8}\.[0-9]{6}-[0-9]+/$version/"; }
expected=$(for artifact in $published; do
  kinds=".pom -cyclonedx.json"
  [[ $artifact == tensorarena-bom ]] || kinds+=" .jar -sources.jar -javadoc.jar"
  for kind in $kinds; do echo "./dev/tensorarena/$artifact/$version/$artifact-$version$kind"; done
done | sort)
[[ $(files "$staging" | names | sort) == "$expected" ]] ||
  fail "staged is $(files "$staging" | names | sort), and not $expected"

# Signed, by this key.
files "$staging" | while read -r file; do
  gpg --batch --quiet --verify "$staging/$file.asc" "$staging/$file" 2>/dev/null || fail "$file is not signed"
done

# They say where the project is.
files "$staging" | grep '[.]pom$' | while read -r pom; do
  grep --quiet "<url>$home</url>" "$staging/$pom" || fail "$pom does not name $home"
done
! grep --recursive --files-with-matches 'https://tensorarena[.]example' "$staging" || fail "nobody's address is named: see above"

# The same bytes from both.
sums() { (cd "$1" && files . | xargs sha256sum) | names | sort; }
diff <(sums "$staging") <(sums "$folder/the-second-elsewhere/target/staging") ||
  fail "two builds differ: see above"
! grep --recursive --files-with-matches --include='*.json' --regexp='"serialNumber"' --regexp='"timestamp"' "$staging" ||
  fail "a list of contents has a time or a number of its own"
grep --quiet '"pkg:maven/net.java.dev.jna/jna@' "$staging"/dev/tensorarena/tensorarena-blas/*/*-cyclonedx.json ||
  fail "the list of contents of tensorarena-blas has no JNA"

# Somebody takes it by the bill of materials, with nothing of Tensor Arena's in his own repository. What else
# is needed comes from the one of this build.
cat >"$folder/settings.xml" <<EOF
<settings>
  <mirrors>
    <mirror>
      <id>this-build</id>
      <mirrorOf>central</mirrorOf>
      <url>file://$repository</url>
    </mirror>
  </mirrors>
</settings>
EOF
"$mvn" --batch-mode --quiet --settings "$folder/settings.xml" "-Dmaven.repo.local=$folder/repository" \
  --file "$here/consumer/pom.xml" "-Dstaging=$staging" "-Dtensorarena.version=$version" \
  "-Dopenblas.version=$openblas" "-Dopenblas.platform=$platform" "-Dnetty.version=$netty" \
  "-Darrow.version=$arrow" "-Donnxruntime.version=$onnxruntime" "-Dfolder=$folder/consumer" verify
from=$(cat "$folder"/repository/dev/tensorarena/*/*/_remote.repositories | grep '>' | sed 's/.*>//' | sort --unique)
[[ $from == staging= ]] || fail "artifacts come from $from, and not from the staging folder alone"
echo "The release of $version is complete, signed, the same twice, and was used."
