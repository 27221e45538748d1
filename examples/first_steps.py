"""Fit a curve with a small neural network: the whole program, without helpers.

    python examples/first_steps.py

The data are 200 points of a sine curve with noise. The network has one hidden layer of 32 tanh units. In each step it
predicts all points, the loss measures how far off it is, `backward()` computes the gradient of the loss with respect to
each weight, and the optimizer changes the weights. With matplotlib, the result is drawn to first_steps.png.
"""

import agrad
from agrad import nn, optim

agrad.manual_seed(0)
x = agrad.linspace(-3, 3, 200)[:, None]
y = agrad.sin(2 * x) + 0.1 * agrad.randn(200, 1)

model = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
criterion = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=0.02)
for step in range(1, 1001):
    loss = criterion(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 200 == 0:
        print(f"step {step:4}  loss {loss.item():.4f}")

try:
    import matplotlib.pyplot as plt
except ImportError:
    print('pip install "agrad[examples]" for a picture')
else:
    curve = model(x).detach()
    plt.plot(x.numpy(), y.numpy(), ".", label="data")
    plt.plot(x.numpy(), curve.numpy(), linewidth=3, label="network")
    plt.legend()
    plt.savefig("first_steps.png")
