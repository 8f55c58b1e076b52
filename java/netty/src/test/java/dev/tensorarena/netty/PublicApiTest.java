package dev.tensorarena.netty;

import dev.tensorarena.ApiFile;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class PublicApiTest {
  @Test
  void isWhatItsFileSays() throws IOException {
    ApiFile.check(TensorBuffers.class);
  }
}
