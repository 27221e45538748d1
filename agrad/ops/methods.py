"""Binds operators and methods to Tensor."""

import agrad.ops as ops
from ..core.tensor import Tensor
from ..core import tape

def _swap(f):
    return lambda a, b: f(b, a)

for _name, _op in {"add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "pow", "matmul": "matmul", "floordiv": "floor_divide", "mod": "remainder"}.items():
    if hasattr(ops, _op):
        setattr(Tensor, f"__{_name}__", getattr(ops, _op))
        setattr(Tensor, f"__r{_name}__", _swap(getattr(ops, _op)))
for _name, _op in {"eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "neg": "negative", "abs": "abs"}.items():
    if hasattr(ops, _op):
        setattr(Tensor, f"__{_name}__", getattr(ops, _op))
for _name in ("sum", "mean", "max", "min", "prod", "std", "var", "exp", "log", "sqrt", "sin", "cos", "tanh", "sigmoid", "relu", "matmul", "all", "any", "argmax", "argmin", "clip", "softmax", "log_softmax", "astype", "squeeze", "expand_dims"):
    if hasattr(ops, _name):
        setattr(Tensor, _name, getattr(ops, _name))
Tensor.__getitem__ = ops.getitem
Tensor.backward = tape.backward
Tensor.retain_grad = tape.retain_grad
Tensor.reshape = lambda self, *shape: ops.reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape)
Tensor.T = property(lambda self: ops.permute_dims(self, (1, 0)))
Tensor.__array_namespace__ = lambda self, api_version=None: __import__("agrad")


def _zero(self):
    self._data = self._device.backend.fill(self._data, 0)
    self._version[0] = tape.tick()
    return self


Tensor.zero_ = _zero
