package dev.tensorarena.bench;

import org.openjdk.jmh.annotations.Fork;

/** {@link Pipeline} in a heap of that size. */
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "-Dio.netty.noUnsafe=false",
      "-Xms2g",
      "-Xmx2g",
      "-XX:+UseG1GC",
      "-XX:+AlwaysPreTouch"
    })
public class PipelineIn2g extends Pipeline {}
