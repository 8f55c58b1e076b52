package dev.tensorarena.bench;

/** The stages from tokens to hits, in some kind of memory; used by one thread. */
interface QueryPipeline extends AutoCloseable {
  /**
   * Runs a query through all stages: tokens into ids and mask, a state for each token (the stubbed
   * model), their mean at length one, its product with each row of the index, the best rows. Each
   * stage hands its result to the next one.
   *
   * @return the best rows, best first
   */
  int[] answer(int... tokens);

  /**
   * How far its scores may lie from exact ones, as {@link ExpectedHits#check} takes it: 0 if it
   * makes the sums that the rows make which differ in memory only, and so must find their hits.
   */
  default double tolerance() {
    return 0;
  }

  @Override
  void close();
}
