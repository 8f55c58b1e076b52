package dev.tensorarena.bench;

import java.util.concurrent.ThreadLocalRandom;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;

/** Trial. */
public class ElementAccessVectorsOn22 extends AverageTime {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;

  /** Trial. */
  @Benchmark
  public float sum() {
    return FloatVector.broadcast(SPECIES, ThreadLocalRandom.current().nextFloat()).lane(0);
  }
}
