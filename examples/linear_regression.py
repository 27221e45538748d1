"""Linear regression with layers: losses, optimizers and data loaders instead of code of one's own.

    python examples/linear_regression.py --plot points.png

The data are those of examples/linear_regression_scratch.py: 1,000 points of y = 2 x₁ − 3.4 x₂ + 4.2 and a little noise.
Each part that was written by hand there is replaced by one of agrad's:

- `TensorDataset` and `DataLoader` for the batches. A loader can be iterated over many times, and shuffles each time,
  where a generator is exhausted after one pass.
- `nn.Sequential(nn.Linear(2, 1))` for the model; ``model[0].weight`` and ``model[0].bias`` are its parameters.
- `nn.MSELoss` for the loss, and `optim.SGD` for the updates.

`backward` adds to ``.grad``, so gradients are reset before each backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from common import arguments, at_least_one, parser
from linear_regression_scratch import TRUE_B, TRUE_W, Result, describe, distance, draw, synthetic_data

import agrad
from agrad import Tensor, nn, optim
from agrad.data import DataLoader, TensorDataset


def train(features: Tensor, labels: Tensor, epochs: int, seed: int, lr: float = 0.03, batch_size: int = 10) -> Result:
    loader = DataLoader(TensorDataset(features, labels), batch_size, shuffle=True, seed=seed)
    model = nn.Sequential(nn.Linear(2, 1))
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    print(model)
    weight, bias = model[0].weight, model[0].bias
    before = distance(weight, bias)
    print(f"before:  {describe(weight, bias)}")
    losses = []
    for epoch in range(1, epochs + 1):
        for x, y in loader:
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with agrad.no_grad():
            losses.append(criterion(model(features), labels).item())
        print(f"epoch {epoch}  loss {losses[-1]:.6f}")
    after = distance(weight, bias)
    print(f"after:   {describe(weight, bias)}")
    return Result(weight.reshape(-1).tolist(), bias.item(), losses, before, after)


def main(argv: Sequence[str] | None = None) -> Result:
    made = parser(__doc__)
    made.add_argument("--epochs", type=at_least_one, default=3, help="passes over the points (default: 3)")
    args = arguments(made, argv)
    with args.device:
        features, labels = synthetic_data(agrad.asarray(TRUE_W), TRUE_B, 1000)
        result = train(features, labels, args.epochs, args.seed)
        if args.plot:
            draw(features, labels, result.w, result.b, args.plot)
    return result


if __name__ == "__main__":
    main()
