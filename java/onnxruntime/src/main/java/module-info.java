/** Tensors as ONNX Runtime's values. The API is the package {@link dev.tensorarena.onnxruntime}. */
module dev.tensorarena.onnxruntime {
  requires transitive com.microsoft.onnxruntime;
  requires transitive dev.tensorarena;

  exports dev.tensorarena.onnxruntime;
}
