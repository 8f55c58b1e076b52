package dev.tensorarena;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Random programs against plain arrays; see {@link Fuzzing} for how long and from which seed. */
class ModelFuzzTest {
  @Test
  @Tag("reliability")
  void everyTensorIsWhatThePlainArraysSayAndEveryMisuseIsRefused() {
    Fuzzing.run(ModelFuzzTest.class, ModelProgram::run);
  }
}
