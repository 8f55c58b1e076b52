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

  @Override
  void close();
}
