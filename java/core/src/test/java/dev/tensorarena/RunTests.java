package dev.tensorarena;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs test classes in this JVM and prints nothing unless one fails; for JVMs that tests fork. */
final class RunTests {
  private RunTests() {}

  /** The file that takes the number of tests that passed, and the classes. */
  public static void main(String[] args) throws IOException {
    TestExecutionSummary summary = run(Arrays.copyOfRange(args, 1, args.length));
    if (summary.getTotalFailureCount() > 0) {
      summary.printFailuresTo(new PrintWriter(System.out, true), 20);
      System.exit(1);
    }
    Files.writeString(Path.of(args[0]), Long.toString(summary.getTestsSucceededCount()));
  }

  static TestExecutionSummary run(String... classes) {
    LauncherDiscoveryRequestBuilder request = LauncherDiscoveryRequestBuilder.request();
    for (String name : classes) {
      request.selectors(DiscoverySelectors.selectClass(name));
    }
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request.build(), listener);
    return listener.getSummary();
  }
}
