package dev.tensorarena.bench.phase1;

import dev.tensorarena.bench.AllocateAndFill;
import dev.tensorarena.bench.Binding;
import dev.tensorarena.bench.Free;
import dev.tensorarena.bench.OpenAndClose;
import dev.tensorarena.bench.Share;
import java.util.regex.Pattern;

/** A benchmark that is run, with its parameters; in the order of running. */
enum Row {
  HEAP_CLONE(Share.class, "heapClone"),
  COPY(Share.class, "copy"),
  SHARE(Share.class, "shareAndClose"),
  SHARE_ESCAPING(Share.class, "shareAndCloseEscaping"),
  HEAP_ARRAY(AllocateAndFill.class, "heapArray"),
  MALLOC(AllocateAndFill.class, "mallocAndFree"),
  EMPTY(AllocateAndFill.class, "empty"),
  MEMCPY(AllocateAndFill.class, "memcpy"),
  ALLOC_SLICE(AllocateAndFill.class, "allocSlice"),
  JNI(Binding.class, "jni"),
  IDLE(OpenAndClose.class, "idle"),
  THREE_TENSORS(OpenAndClose.class, "threeTensors"),
  RESET_10(Free.class, "reset", "tensors", "10"),
  RESET_1000000(Free.class, "reset", "tensors", "1000000");

  private final String method;

  /** The parameter whose value this row fixes, and the value; null for those of the class. */
  final String parameter;

  final String value;

  Row(Class<?> question, String method) {
    this(question, method, null, null);
  }

  Row(Class<?> question, String method, String parameter, String value) {
    this.method = question.getName() + "." + method;
    this.parameter = parameter;
    this.value = value;
  }

  /** The regular expression that JMH finds the benchmark by, and no other. */
  String include() {
    return "^" + Pattern.quote(method) + "$";
  }

  /** As in {@code Free.reset, 10 tensors}. */
  @Override
  public String toString() {
    String name = method.substring(method.lastIndexOf('.', method.lastIndexOf('.') - 1) + 1);
    return parameter == null ? name : name + ", " + value + " " + parameter;
  }
}
