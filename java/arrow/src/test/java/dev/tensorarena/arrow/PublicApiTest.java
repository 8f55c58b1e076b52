package dev.tensorarena.arrow;

import dev.tensorarena.ApiFile;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isWhatItsFileSays() throws IOException {
    ApiFile.check(ArrowTensors.class);
  }
}
