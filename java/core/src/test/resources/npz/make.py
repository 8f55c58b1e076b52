"""Writes the archives of this folder, with NumPy 1.24 and Python 3.11."""
import io
import zipfile

import numpy as np

ARRAYS = {
    "rows": np.arange(6, dtype="<f4").reshape(2, 3),
    "columns": np.asfortranarray(np.arange(6, dtype="<i8").reshape(2, 3)),
    "big": np.arange(4, dtype=">i4"),
    "scalar": np.float64(2.5),
    "none": np.zeros((0, 4), dtype="<f2"),
    "flags": np.array([True, False, True]),
    "folder/x": np.arange(2000, dtype="|u1") % 7,
    "größe": np.array([-1], dtype="|i1"),
}


class Stream(io.RawIOBase):
    """What cannot be gone back in, so that sizes stand behind each member."""

    def __init__(self, name):
        self.file = open(name, "wb")

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)

    def close(self):
        self.file.close()
        super().close()


np.savez("stored.npz", **ARRAYS)
np.savez_compressed("deflated.npz", **ARRAYS)
np.savez("nothing.npz")
for name, compression in ("streamed", zipfile.ZIP_STORED), ("streamed_deflated", zipfile.ZIP_DEFLATED):
    with Stream(name + ".npz") as stream, zipfile.ZipFile(stream, "w", compression) as archive:
        for key, array in ARRAYS.items():
            with archive.open(key + ".npy", "w", force_zip64=True) as member:
                np.save(member, array)
with zipfile.ZipFile("mixed.npz", "w") as archive:  # as somebody adds to one by hand
    archive.mkdir("folder.npy") if hasattr(archive, "mkdir") else archive.writestr("folder.npy/", "")
    archive.writestr("README", "not an array")
    for compression in zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2:
        member = io.BytesIO()
        np.save(member, np.arange(3, dtype="<i2"))
        archive.writestr(f"method{compression}.npy", member.getvalue(), compression)
    archive.writestr("notes.npy.txt", "nor is this", zipfile.ZIP_LZMA)
    archive.comment = b"with a comment"
