// The public header is valid C++ (inline functions included), can be included twice, and gives its
// functions C linkage: otherwise this does not compile or does not link.
#include <tensorarena.h>
#include <tensorarena.h>

int main() {
    return ta_abi_version() == TA_ABI_VERSION ? 0 : 1;
}
