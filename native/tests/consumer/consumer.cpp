// The same header in C++: an arena as the memory of a standard container.
#include <cstddef>
#include <cstdio>
#include <memory>
#include <new>
#include <tensorarena.h>
#include <vector>

namespace {

struct Destroy {
    void operator()(ta_arena *arena) const {
        ta_arena_destroy(arena);
    }
};

template <class T> struct ArenaAllocator {
    using value_type = T;
    ta_arena *arena;

    explicit ArenaAllocator(ta_arena *of) : arena(of) {}
    template <class U> ArenaAllocator(const ArenaAllocator<U> &other) : arena(other.arena) {}
    T *allocate(std::size_t n) {
        void *room = ta_alloc(arena, n * sizeof(T), alignof(T));
        if (room == nullptr) {
            throw std::bad_alloc();
        }
        return static_cast<T *>(room);
    }
    void deallocate(T *, std::size_t) {}
    template <class U> bool operator==(const ArenaAllocator<U> &other) const {
        return arena == other.arena;
    }
    template <class U> bool operator!=(const ArenaAllocator<U> &other) const {
        return arena != other.arena;
    }
};

} // namespace

int main() {
    ta_arena *raw;
    if (ta_abi_version() != TA_ABI_VERSION ||
        ta_arena_create(TA_ABI_VERSION, nullptr, 0, &raw) != TA_OK) {
        return 1;
    }
    std::unique_ptr<ta_arena, Destroy> arena(raw);
    std::vector<double, ArenaAllocator<double>> values{ArenaAllocator<double>(arena.get())};
    for (int i = 0; i < 100000; i++) {
        values.push_back(i);
    }
    double sum = 0;
    for (double value : values) {
        sum += value;
    }
    ta_arena_info info;
    if (ta_arena_stats(arena.get(), &info, sizeof info) != TA_OK ||
        info.allocated < values.size() * sizeof(double)) {
        return 1;
    }
    std::printf("%.0f\n", sum);
    return sum == 4999950000.0 ? 0 : 1;
}
