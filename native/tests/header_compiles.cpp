// The public headers are valid C++ (inline functions included), can be included twice, and give their
// functions C linkage: otherwise this does not compile or does not link.
#include <tensorarena.h>
#include <tensorarena.h>
#include <tensorarena_dlpack.h>
#include <tensorarena_dlpack.h>

int main() {
    return ta_abi_version() == TA_ABI_VERSION ? 0 : 1;
}
