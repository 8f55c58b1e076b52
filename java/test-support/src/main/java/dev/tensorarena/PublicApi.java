package dev.tensorarena;

import java.io.IOException;
import java.io.InputStream;
import java.lang.annotation.Documented;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.GenericDeclaration;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The API of types as text: a line for each public type, and below it a line for each member that a
 * user's code or a user's subclass can name. Members of superclasses that users cannot name are
 * listed with the class that inherits them. The text is the same on every JDK.
 */
public final class PublicApi {
  private static final int SHOWN =
      Modifier.PUBLIC | Modifier.PROTECTED | Modifier.STATIC | Modifier.ABSTRACT | Modifier.FINAL;

  private PublicApi() {}

  /**
   * Returns the API of a module: of the packages that it exports, or of all if it has no
   * descriptor.
   *
   * @param oneOfItsTypes any type of the module, whose classes lie in a folder and not in a jar
   * @return lines; those of members are indented
   * @throws IOException if the folder cannot be read
   */
  public static List<String> ofModule(Class<?> oneOfItsTypes) throws IOException {
    Path folder;
    try {
      folder = Path.of(oneOfItsTypes.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IOException(oneOfItsTypes + " lies in no folder", e);
    }
    Predicate<String> exported = exportedPackages(folder.resolve("module-info.class"));
    List<Class<?>> types = new ArrayList<>();
    for (String name : classNames(folder)) {
      Class<?> type = loaded(name, oneOfItsTypes.getClassLoader());
      if (exported.test(type.getPackageName())) {
        types.add(type);
      }
    }
    return of(types);
  }

  /**
   * Returns the API of types, without those that users cannot name.
   *
   * @param types classes, interfaces, records, enums
   * @return lines; those of members are indented
   */
  public static List<String> of(Collection<Class<?>> types) {
    List<String> lines = new ArrayList<>();
    types.stream()
        .filter(PublicApi::isVisible)
        .sorted(Comparator.comparing(Class::getCanonicalName))
        .forEach(
            type -> {
              lines.add(declaration(type));
              members(type).forEach(member -> lines.add("  " + member));
            });
    return lines;
  }

  // ---- which types

  private static List<String> classNames(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .map(file -> folder.relativize(file).toString())
          .filter(file -> file.endsWith(".class") && !file.endsWith("-info.class"))
          .filter(file -> !file.startsWith("META-INF")) // another release's, of the same API
          .map(file -> file.substring(0, file.length() - ".class".length()).replace('/', '.'))
          .toList();
    }
  }

  private static Predicate<String> exportedPackages(Path moduleInfo) throws IOException {
    if (!Files.exists(moduleInfo)) {
      return name -> true;
    }
    try (InputStream in = Files.newInputStream(moduleInfo)) {
      return ModuleDescriptor.read(in).exports().stream()
              .filter(exports -> !exports.isQualified())
              .map(ModuleDescriptor.Exports::source)
              .collect(Collectors.toSet())
          ::contains;
    }
  }

  private static Class<?> loaded(String name, ClassLoader loader) {
    try {
      return Class.forName(name, false, loader);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static boolean isVisible(Class<?> type) {
    Class<?> enclosing = type.getEnclosingClass();
    return enclosing == null
        ? Modifier.isPublic(type.getModifiers())
        : type.isMemberClass() && isVisible(enclosing) && isVisible(type.getModifiers(), enclosing);
  }

  private static boolean isVisible(int modifiers, Class<?> owner) {
    return Modifier.isPublic(modifiers)
        || Modifier.isProtected(modifiers) && !Modifier.isFinal(owner.getModifiers());
  }

  // ---- a type

  private static String declaration(Class<?> type) {
    StringBuilder text = new StringBuilder(annotations(type));
    int shown = type.getModifiers() & SHOWN;
    if (type.isInterface() || type.isEnum() || type.isRecord()) {
      shown &= Modifier.PUBLIC | Modifier.PROTECTED;
    }
    text.append(Modifier.toString(shown)).append(' ');
    if (type.isSealed() && !type.isEnum()) {
      text.append("sealed ");
    } else if (!Modifier.isFinal(type.getModifiers())
        && supertypes(type).anyMatch(Class::isSealed)) {
      text.append("non-sealed ");
    }
    text.append(kind(type)).append(' ').append(type.getCanonicalName()).append(typeVariables(type));
    if (type.isRecord()) {
      text.append(
          Arrays.stream(type.getRecordComponents())
              .map(component -> name(component.getGenericType()) + " " + component.getName())
              .collect(Collectors.joining(", ", "(", ")")));
    }
    Set<String> interfaces = new LinkedHashSet<>();
    Type superclass = visibleSupertypes(type, interfaces);
    if (superclass != null
        && !Set.of(Object.class, Record.class).contains(superclass)
        && !type.isEnum()) {
      text.append(" extends ").append(name(superclass));
    }
    if (!interfaces.isEmpty()) {
      text.append(type.isInterface() ? " extends " : " implements ")
          .append(String.join(", ", interfaces));
    }
    if (type.isSealed() && !type.isEnum()) {
      text.append(" permits ").append(names(type.getPermittedSubclasses()));
    }
    return text.toString();
  }

  private static String kind(Class<?> type) {
    return type.isAnnotation()
        ? "@interface"
        : type.isInterface()
            ? "interface"
            : type.isEnum() ? "enum" : type.isRecord() ? "record" : "class";
  }

  private static Stream<Class<?>> supertypes(Class<?> type) {
    return Stream.concat(
        Stream.ofNullable(type.getSuperclass()), Arrays.stream(type.getInterfaces()));
  }

  /** Returns the nearest superclass that users can name, and adds the interfaces up to there. */
  private static Type visibleSupertypes(Class<?> type, Set<String> interfaces) {
    for (int i = 0; i < type.getInterfaces().length; i++) {
      Class<?> implemented = type.getInterfaces()[i];
      if (isVisible(implemented)) {
        interfaces.add(name(type.getGenericInterfaces()[i]));
      } else {
        visibleSupertypes(implemented, interfaces);
      }
    }
    Class<?> superclass = type.getSuperclass();
    return superclass == null || isVisible(superclass)
        ? type.getGenericSuperclass()
        : visibleSupertypes(superclass, interfaces);
  }

  // ---- its members

  private static List<String> members(Class<?> type) {
    List<String> constants = new ArrayList<>();
    Set<String> fields = new TreeSet<>();
    Set<String> constructors = new TreeSet<>();
    for (Constructor<?> constructor : type.getDeclaredConstructors()) {
      if (isShown(constructor, type)) {
        constructors.add(executable(constructor, type, ""));
      }
    }
    Map<String, String> methods = new TreeMap<>();
    for (Class<?> declaring : withHiddenSupertypes(type, new LinkedHashSet<>())) {
      for (Field field : declaring.getDeclaredFields()) {
        if (field.isEnumConstant()) {
          constants.add(
              annotations(field) + "constant " + constants.size() + ": " + field.getName());
        } else if (isShown(field, type)) {
          fields.add(field(field));
        }
      }
      for (Method method : declaring.getDeclaredMethods()) {
        if (isShown(method, type)) {
          methods.putIfAbsent(
              method.getName() + "(" + names(method.getParameterTypes()),
              executable(method, type, name(method.getGenericReturnType()) + " "));
        }
      }
    }
    return Stream.of(constants, fields, constructors, methods.values())
        .flatMap(Collection::stream)
        .toList();
  }

  private static Set<Class<?>> withHiddenSupertypes(Class<?> type, Set<Class<?>> found) {
    found.add(type);
    supertypes(type)
        .filter(supertype -> !isVisible(supertype))
        .forEach(supertype -> withHiddenSupertypes(supertype, found));
    return found;
  }

  private static boolean isShown(Member member, Class<?> owner) {
    return !member.isSynthetic() && isVisible(member.getModifiers(), owner);
  }

  private static String field(Field field) {
    String text =
        annotations(field)
            + Modifier.toString(field.getModifiers() & SHOWN)
            + " "
            + name(field.getGenericType())
            + " "
            + field.getName();
    boolean isConstant =
        Modifier.isStatic(field.getModifiers())
            && Modifier.isFinal(field.getModifiers())
            && (field.getType().isPrimitive() || field.getType() == String.class);
    return isConstant ? text + " = " + value(field) : text;
  }

  private static String value(Field constant) {
    try {
      constant.setAccessible(true);
      Object value = constant.get(null);
      return value instanceof String ? "\"" + value + "\"" : String.valueOf(value);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String executable(Executable executable, Class<?> owner, String result) {
    int shown = executable.getModifiers() & SHOWN;
    if (Modifier.isFinal(owner.getModifiers())) {
      shown &= ~Modifier.FINAL;
    }
    if (owner.isInterface()) {
      shown &= ~Modifier.ABSTRACT;
    }
    StringJoiner text = new StringJoiner(" ");
    text.add(annotations(executable) + Modifier.toString(shown));
    if (executable instanceof Method method && method.isDefault()) {
      text.add("default");
    }
    String variables = typeVariables(executable);
    if (!variables.isEmpty()) {
      text.add(variables);
    }
    String name = executable instanceof Method ? executable.getName() : owner.getSimpleName();
    text.add(result + name + parameters(executable));
    Type[] thrown = executable.getGenericExceptionTypes();
    if (thrown.length != 0) {
      text.add("throws " + names(thrown));
    }
    return text.toString();
  }

  private static String parameters(Executable executable) {
    String all = names(executable.getGenericParameterTypes());
    return executable.isVarArgs()
        ? "(" + all.substring(0, all.length() - "[]".length()) + "...)"
        : "(" + all + ")";
  }

  // ---- parts of both

  /** Returns the annotations that javadoc shows; of their values only {@code forRemoval}. */
  private static String annotations(AnnotatedElement element) {
    return Arrays.stream(element.getDeclaredAnnotations())
        .filter(a -> a.annotationType().isAnnotationPresent(Documented.class))
        .map(
            a ->
                "@"
                    + a.annotationType().getSimpleName()
                    + (a instanceof Deprecated d && d.forRemoval() ? "(forRemoval = true) " : " "))
        .sorted()
        .collect(Collectors.joining());
  }

  private static String typeVariables(GenericDeclaration declaration) {
    TypeVariable<?>[] variables = declaration.getTypeParameters();
    return variables.length == 0
        ? ""
        : Arrays.stream(variables)
            .map(PublicApi::withBounds)
            .collect(Collectors.joining(", ", "<", ">"));
  }

  private static String withBounds(TypeVariable<?> variable) {
    String bounds =
        Arrays.stream(variable.getBounds()).map(PublicApi::name).collect(Collectors.joining(" & "));
    return bounds.equals("Object") ? variable.getName() : variable.getName() + " extends " + bounds;
  }

  private static String names(Type[] types) {
    return Arrays.stream(types).map(PublicApi::name).collect(Collectors.joining(", "));
  }

  /** Returns a type's name with its package, unless that is java.lang. */
  private static String name(Type type) {
    return type.getTypeName().replace('$', '.').replaceAll("\\bjava\\.lang\\.(?=[A-Z])", "");
  }
}
