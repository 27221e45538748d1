"""Models as ONNX files, which onnxruntime and other programs run without Python: `export`."""

from .exporting import export

__all__ = ["export"]
