#!/usr/bin/env bash
# Runs the JUnit tests that are tagged `platform` on a real JRE for AArch64, Debian's, under
# qemu-user. The JRE is unpacked into a folder; this system's own packages stay as they are. Says so
# and ends well where there is no emulator or no apt-get.
# Usage: junit_on_aarch64.sh <folder> <class path of the tests, with JUnit's console>
set -euo pipefail
folder=$1
class_path=$2

for needed in qemu-aarch64 apt-get dpkg; do
  if ! command -v "$needed" >/dev/null; then
    echo "linux-aarch64: not tested under a JVM, there is no $needed"
    exit 0
  fi
done

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
java() { # where the packages have put it
  find "$folder/root" -path '*/bin/java' -type f -print -quit 2>/dev/null
}
if [[ -z "$(java)" ]]; then
  mkdir -p "$folder"/{lists/partial,cache/archives/partial,root}
  : >"$folder/status"
  cat >"$folder/apt.conf" <<END
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
Dir::State::lists "$folder/lists";
Dir::State::status "$folder/status";
Dir::Cache "$folder/cache";
END
  export APT_CONFIG="$folder/apt.conf"
  apt-get --quiet update
  apt-get --quiet install --yes --no-install-recommends --download-only openjdk-17-jre-headless
  for package in "$folder"/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$folder/root"
  done
  rm -r "$folder"/{lists,cache}
fi

run() { # run INITIALS: of the classes. C1 alone: compiling takes most of the time under an emulator.
  qemu-aarch64 -L "$folder/root" "$(java)" -XX:TieredStopAtLevel=1 \
    -Djava.io.tmpdir="${TMPDIR:-/tmp}" -cp "$class_path" \
    org.junit.platform.console.ConsoleLauncher execute --scan-class-path --include-tag=platform \
    --include-classname="dev[.]tensorarena[.]$1.*" --fail-if-no-tests --details=summary \
    --disable-banner
}
# In two halves, side by side.
run '[A-O]' &
first=$!
status=0
run '[^A-O]' || status=$?
wait "$first" || status=$?
exit "$status"
