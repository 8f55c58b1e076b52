package dev.tensorarena;

/**
 * How an {@link ExecutionContext}'s memory stands.
 *
 * @param allocatedBytes what the memory limit counts: every byte handed out, with alignment padding
 *     and what {@code wastedBytes} counts
 * @param reservedBytes the chunks that the context holds; chunks that left it pinned do not count
 * @param peakBytes the highest {@code allocatedBytes} so far
 * @param wastedBytes bytes of ended tensors that cannot be used again until shared handles above
 *     them are released
 * @param chunks the chunks that the context holds
 * @param refills how often a further chunk was needed while one was held; 0 in a steady workload
 */
public record ArenaStats(
    long allocatedBytes,
    long reservedBytes,
    long peakBytes,
    long wastedBytes,
    long chunks,
    long refills) {}
