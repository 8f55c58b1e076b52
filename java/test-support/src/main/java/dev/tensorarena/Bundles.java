package dev.tensorarena;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/**
 * An OSGi framework in this JVM with some bundles, which see each other and the JDK as their
 * headers say, and no class of the tests.
 */
public final class Bundles implements AutoCloseable {
  private final Framework framework;
  private final List<Bundle> bundles = new ArrayList<>();

  /**
   * Starts all bundles.
   *
   * @param folder for what the framework keeps
   * @param inBundles a class of each bundle
   * @throws BundleException if one of them misses something
   */
  public Bundles(Path folder, List<Class<?>> inBundles) throws BundleException {
    Map<String, String> options =
        Map.of(
            Constants.FRAMEWORK_STORAGE,
            folder.toString(),
            // The jar of OpenBLAS is no bundle: its files are on the class path.
            Constants.FRAMEWORK_BUNDLE_PARENT,
            Constants.FRAMEWORK_BUNDLE_PARENT_APP,
            Constants.FRAMEWORK_BOOTDELEGATION,
            "org.bytedeco.openblas.*");
    framework =
        ServiceLoader.load(FrameworkFactory.class).findFirst().orElseThrow().newFramework(options);
    framework.start();
    for (Class<?> type : inBundles) {
      String place = "reference:" + ModularProgram.home(type).toUri();
      bundles.add(framework.getBundleContext().installBundle(place));
    }
    for (Bundle bundle : bundles) {
      bundle.start();
    }
  }

  /** Returns the class of the same name that a bundle has. */
  public Class<?> load(Class<?> type) throws ClassNotFoundException {
    return bundles.get(bundles.size() - 1).loadClass(type.getName());
  }

  @Override
  public void close() throws BundleException {
    framework.stop();
    try {
      FrameworkEvent ended = framework.waitForStop(0);
      if (ended.getThrowable() != null) {
        throw new IllegalStateException(ended.getThrowable());
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
