# %% [markdown]
# # Modules: from layers to a network
#
# After this notebook you will be able to
#
# - follow a batch through a network and say its shape behind every layer;
# - build a network with `nn.Sequential`, and as a class of your own with `__init__` and `forward`;
# - say where a network's parameters are and where its work is: two different places;
# - see why parameters in a Python list or dict are lost, and mend that in several ways;
# - write a residual block and a training step, and train a convolutional network on real digits.
#
# **Time**: about 120 minutes. **You need**: `nn.Linear` (`04_linear`), `nn.Conv2d` (`07_convolution`), `F.max_pool2d` and the size formula
# (`08_padding_stride_pooling`), `F.relu` (`03_functional_and_relu`), `backward()` and `torch.optim` (`02_gradients_and_optimizers`).

# %% setup

# %% [markdown]
# ## Shapes between layers
#
# You have all the bricks: convolution, pooling, ReLU, linear layer. They fit together where the shapes do:
#
# | layer | takes | gives |
# |---|---|---|
# | `nn.Conv2d(C, D, k)` | $N \times C \times H \times W$ | $N \times D \times H' \times W'$ |
# | `nn.MaxPool2d(k)` | $N \times C \times H \times W$ | $N \times C \times H' \times W'$ |
# | `nn.ReLU()` | any shape | the same shape |
# | `nn.Linear(C, D)` | $N \times C$ | $N \times D$ |
#
# The images of MNIST come as one tensor of 60000×28×28, without a dimension for channels. Here is a tensor of that shape and dtype; its values
# do not matter now.
#
# **Before you run it:** which shape must the tensor have for `nn.Conv2d(1, 32, kernel_size=5)`, and which for `nn.Linear(784, 10)`?

# %% predict
images = torch.empty(60000, 28, 28, dtype=torch.uint8)  # the shape of torchvision.datasets.MNIST(…).data
for_conv = images.unsqueeze(1)
for_linear = for_conv.flatten(1)
for name, tensor in [("as it comes", images), ("unsqueeze(1)", for_conv), ("flatten(1)", for_linear)]:
    print(f"{name:13}", "×".join(map(str, tensor.shape)))
print("copied anything:", for_linear.data_ptr() != images.data_ptr())

# %% [markdown]
# `unsqueeze(1)` inserts a dimension of size 1 at place 1: the one channel of a grey image. `flatten(1)` makes one dimension of all from place 1
# on. Both keep the first dimension, which counts the samples, and here neither copies.
#
# *What changed:* older texts write `mnist.train_data` for `mnist.data`, and `x.view(x.size(0), -1)` for `x.flatten(1)`.
#
# ### The trap of view(-1, 256)
#
# Many networks on the web flatten with `x.view(-1, 256)`: rows of 256, as many as there are. That is right as long as 256 is right.
#
# **Before you run it:** 12 images are a little too large, so that 64×4×4 = 1024 numbers per image arrive instead of 256. What does each
# line do?

# %% predict varies
arrived = torch.zeros(12, 64, 4, 4)
print("view(-1, 256):", tuple(nn.Linear(256, 10)(arrived.view(-1, 256)).shape))
try:
    nn.Linear(256, 10)(arrived.flatten(1))
except RuntimeError as error:
    print("flatten(1):   ", error)

# %% [markdown]
# `view(-1, 256)` makes 48 samples of 12, without a word: each row is a quarter of an image. `flatten(1)` keeps 12 rows, and the layer
# refuses them. Take `flatten(1)`, and an error shows where it arises.
#
# ## A network, line by line
#
# This is a network in the manner of LeNet (LeCun and others, 1998) for images of 28×28 and ten classes. Two convolutions, each with max pooling and a ReLU, then two
# linear layers. Remember: a convolution without padding gives $H - k + 1$; pooling with a window of $k$ steps by $k$ and gives $\lfloor H / k \rfloor$.
#
# **Before you run it:** write down the shape behind every line, beginning with 12×1×28×28. Where does the 256 come from?

# %% predict
torch.manual_seed(0)
conv1, conv2 = nn.Conv2d(1, 32, kernel_size=5), nn.Conv2d(32, 64, kernel_size=5)
fc1, fc2 = nn.Linear(256, 200), nn.Linear(200, 10)


def report(operation, x):
    print(f"{operation:28}{'×'.join(map(str, x.shape))}")


x = torch.randn(12, 1, 28, 28)
report("input", x)
x = conv1(x)
report("conv1: Conv2d(1, 32, 5)", x)
x = F.max_pool2d(x, kernel_size=3)
report("max_pool2d(x, 3)", x)
x = F.relu(x)
report("relu(x)", x)
x = conv2(x)
report("conv2: Conv2d(32, 64, 5)", x)
x = F.max_pool2d(x, kernel_size=2)
report("max_pool2d(x, 2)", x)
x = F.relu(x)
report("relu(x)", x)
x = x.flatten(1)
report("flatten(1)", x)
x = fc1(x)
report("fc1: Linear(256, 200)", x)
x = F.relu(x)
report("relu(x)", x)
x = fc2(x)
report("fc2: Linear(200, 10)", x)

# %% [markdown]
# 256 = 64 · 2 · 2: every number that is left of an image. The last line gives ten **logits** per image, one score per class. There is no ReLU
# behind it: a score may be negative.

# %%
draw_network(
    (1, 28, 28),
    "conv1\n5×5",
    (32, 24, 24),
    "max pool 3\nReLU",
    (32, 8, 8),
    "conv2\n5×5",
    (64, 4, 4),
    "max pool 2\nReLU",
    (64, 2, 2),
    "flatten",
    (256,),
    "fc1\nReLU",
    (200,),
    "fc2",
    (10,),
    height=2.2,
    alt="The network as a row of blocks for one image: 1×28×28, conv1 with a 5×5 kernel, 32×24×24, max pooling by 3 and ReLU, 32×8×8, conv2 "
    "with a 5×5 kernel, 64×4×4, max pooling by 2 and ReLU, 64×2×2, flatten, 256, fc1 and ReLU, 200, fc2, 10. The images get smaller and their "
    "channels more, until one vector is left.",
)

# %% [markdown]
# ### nn.Sequential
#
# Ten lines that each hand their result to the next: `nn.Sequential` does just that. It takes modules in their order and is a module itself.
# Functions have module twins: `nn.MaxPool2d(3)` for `F.max_pool2d(x, 3)`, `nn.ReLU()` for `F.relu(x)`, `nn.Flatten()` for `x.flatten(1)`.

# %%
lenet = nn.Sequential(
    nn.Conv2d(1, 32, kernel_size=5),
    nn.MaxPool2d(3),
    nn.ReLU(),
    nn.Conv2d(32, 64, kernel_size=5),
    nn.MaxPool2d(2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(256, 200),
    nn.ReLU(),
    nn.Linear(200, 10),
)
x = torch.randn(12, 1, 28, 28)
print("12×1×28×28 →", "×".join(map(str, lenet(x).shape)))
print("modules:", len(lenet), "  the first:", lenet[0])
print("the first six alone:", "×".join(map(str, lenet[:6](x).shape)))

# %% [markdown]
# It works like a list: `len`, an index, a slice (which is an `nn.Sequential` again), and a `for` loop over its modules.
#
# ### Exercise: Trace the shapes
#
# Write `trace_shapes(net, x)`. `net` is an `nn.Sequential`, `x` a batch that it takes. Return a list of tuples: the shape of `x`, then the
# shape behind each module in turn. For a net of 3 modules the list has 4 entries.
#
# <details><summary>Hint 1: the input of the second module</summary>
#
# It is the output of the first. So one variable has to move along: in every turn of the loop it gets a new value.
#
# </details>
#
# <details><summary>Hint 2: the syntax</summary>
#
# `for module in net:` visits the modules in order. A module is called like a function. `tuple(x.shape)` makes a plain tuple of a shape.
#
# </details>


# %% exercise="trace_shapes" difficulty=1 minutes=4
def trace_shapes(net: nn.Sequential, x: torch.Tensor) -> list[tuple[int, ...]]:
    """The shapes of a batch on its way through a net.

    x: a batch, N first. Returns: the shape of x, then the shape behind each module.
    """
    ### BEGIN SOLUTION
    shapes = [tuple(x.shape)]
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape))
    return shapes
    ### END SOLUTION


# %% check="trace_shapes" points=1
# Modules that also take the input itself first: a loop that never moves on raises no error there.
net = nn.Sequential(nn.MaxPool2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
x = torch.zeros(3, 2, 20, 12)
wanted = [(3, 2, 20, 12), (3, 2, 10, 6), (3, 2, 10, 6), (3, 2, 5, 3), (3, 30)]
expect(
    trace_shapes(net, x),
    wanted,
    "trace_shapes(net, x) for MaxPool2d(2), ReLU, MaxPool2d(2), Flatten and x of shape (3, 2, 20, 12)",
    mistakes={
        "Every module got the first x: hand each one the output of the module before.": [
            (3, 2, 20, 12),
            (3, 2, 10, 6),
            (3, 2, 20, 12),
            (3, 2, 10, 6),
            (3, 480),
        ],
        "The shape of x itself is missing: it comes first.": wanted[1:],
        "The last shape is missing: note it down after the module, not before.": wanted[:-1],
        "The sample dimension belongs to the shape.": [shape[1:] for shape in wanted],
        "This is the last shape alone.": wanted[-1],
        "You return inside the loop: only the first module was used.": wanted[:2],
    },
)
net = nn.Sequential(
    nn.Conv2d(1, 32, 5),
    nn.MaxPool2d(3),
    nn.ReLU(),
    nn.Conv2d(32, 64, 5),
    nn.MaxPool2d(2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(256, 200),
    nn.ReLU(),
    nn.Linear(200, 10),
)
conv_part = [(12, 1, 28, 28), (12, 32, 24, 24), (12, 32, 8, 8), (12, 32, 8, 8)]
conv_part += [(12, 64, 4, 4), (12, 64, 2, 2), (12, 64, 2, 2)]
wanted = [*conv_part, (12, 256), (12, 200), (12, 200), (12, 10)]
expect(trace_shapes(net, torch.zeros(12, 1, 28, 28)), wanted, "trace_shapes of the LeNet-like net for 12 images")
### BEGIN HIDDEN TESTS
expect(trace_shapes(nn.Sequential(), torch.zeros(2, 7)), [(2, 7)], "trace_shapes of an empty nn.Sequential")
net = nn.Sequential(nn.Linear(7, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 5)), nn.Linear(5, 1))
wanted = [(4, 6, 7), (4, 6, 3), (4, 6, 5), (4, 6, 1)]
expect(trace_shapes(net, torch.zeros(4, 6, 7)), wanted, "a Sequential inside the Sequential is one module")
### END HIDDEN TESTS

# %% [markdown]
# ### As many layers as you like
#
# A *multi-layer perceptron* (MLP) is a chain of linear layers with a ReLU between each two. This one maps 10 inputs to 2 outputs, with two hidden layers of
# 100 and 50 units:

# %%
model = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 2))
print("523×10 →", "×".join(map(str, model(torch.randn(523, 10)).shape)))
print(", ".join(f"{name} {tuple(parameter.shape)}" for name, parameter in model.named_parameters()))

# %% [markdown]
# The number in a parameter's name is its module's place: 1 and 3 are the ReLUs, which have no parameters.
#
# ### Exercise: An MLP of any depth
#
# Write `mlp(widths)`. For `[10, 100, 50, 2]` it returns the `nn.Sequential` above: an `nn.Linear` from each width to the next, an `nn.ReLU` between
# each two of them, and **none** behind the last. Layers and ReLUs are direct children of the one `nn.Sequential`. `widths` has at least two entries.
#
# <details><summary>Hint 1: a list that grows</summary>
#
# Collect the modules in a Python list first, in a loop. `zip(widths, widths[1:])` gives the pairs of neighbours.
#
# </details>
#
# <details><summary>Hint 2: no ReLU at the end</summary>
#
# Append linear layer and ReLU in each turn, and take the last one away in the end (`modules[:-1]` or `modules.pop()`).
#
# </details>
#
# <details><summary>Hint 3: "list is not a Module subclass"</summary>
#
# `nn.Sequential` takes the modules one by one, not as a list. A star before a list hands over its elements: `f(*[a, b])` is `f(a, b)`.
#
# </details>


# %% exercise="mlp" difficulty=2 minutes=7
def mlp(widths: list[int]) -> nn.Sequential:
    """A multi-layer perceptron with ReLUs between its linear layers.

    widths: features before the first layer, between the layers, after the last one.
    Returns: a net that maps (N, widths[0]) to (N, widths[-1]).
    """
    ### BEGIN SOLUTION
    modules = []
    for i in range(len(widths) - 1):
        modules += [nn.Linear(widths[i], widths[i + 1]), nn.ReLU()]
    return nn.Sequential(*modules[:-1])
    ### END SOLUTION


# %% check="mlp" points=2
g = torch.Generator().manual_seed(102)
net = mlp([10, 100, 50, 2])
expect(
    isinstance(net, nn.Module),
    True,
    "mlp([10, 100, 50, 2]) is a module",
    mistakes={"What comes back is no module: make an nn.Sequential of your list, and return it.": False},
)
sizes = [(100, 10), (100,), (50, 100), (50,), (2, 50), (2,)]


def named(*places):
    return {f"{i}.{part}": sizes[2 * k + j] for k, i in enumerate(places) for j, part in enumerate(["weight", "bias"])}


expect(
    {name: tuple(parameter.shape) for name, parameter in net.named_parameters()},
    named(0, 2, 4),
    "names and shapes of the parameters of mlp([10, 100, 50, 2])",
    mistakes={
        "There is no ReLU between the linear layers.": named(0, 1, 2),
        "The first module is no linear layer: a ReLU comes after a layer.": named(1, 3, 5),
        "The last layer is missing: 4 widths make 3 layers.": dict(list(named(0, 2, 4).items())[:4]),
        "It is a Sequential of Sequentials: put all modules into one.": {
            f"{i}.0.{part}": sizes[2 * i + j] for i in range(3) for j, part in enumerate(["weight", "bias"])
        },
    },
)
values = {name: torch.randn(tuple(tensor.shape), generator=g) / 5 for name, tensor in net.state_dict().items()}
net.load_state_dict(values)
x = torch.randn(7, 10, generator=g)
w, b = [values[f"{i}.weight"] for i in (0, 2, 4)], [values[f"{i}.bias"] for i in (0, 2, 4)]
h = F.relu(F.linear(F.relu(F.linear(x, w[0], b[0])), w[1], b[1]))
s = F.linear(h, w[2], b[2])
linear = F.linear(F.linear(F.linear(x, w[0], b[0]), w[1], b[1]), w[2], b[2])
with torch.no_grad():
    answer = net(x)
expect(
    answer,
    s,
    "the output of mlp([10, 100, 50, 2]) for 7 samples",
    mistakes={
        "There is a ReLU behind the last layer: logits may be negative.": F.relu(s),
        "Nothing nonlinear stands between the layers: they collapse into one.": linear,
        "There is a softmax at the end: the net returns logits.": s.softmax(1),
    },
    rtol=1e-4,
    atol=1e-5,
)
### BEGIN HIDDEN TESTS
expect(list(mlp([3, 5]).state_dict()), ["0.weight", "0.bias"], "mlp([3, 5]): one layer and nothing else")
net = mlp([6, 4, 9, 3, 8])
expect(list(net.state_dict()), [f"{i}.{p}" for i in (0, 2, 4, 6) for p in ("weight", "bias")], "mlp([6, 4, 9, 3, 8])")
expect(tuple(net(torch.randn(5, 6, generator=g)).shape), (5, 8), "shape of the output of mlp([6, 4, 9, 3, 8])")
first, second = mlp([2, 3])(torch.ones(1, 2)).tolist(), mlp([2, 3])(torch.ones(1, 2)).tolist()
expect(first != second, True, "each call makes a net with parameters of its own")
### END HIDDEN TESTS

# %% [markdown]
# ## Where the parameters are, and where the work is
#
# `net.parameters()` visits all parameters of a module and of all modules inside it. The LeNet-like net has eight: weight and bias of four layers.

# %%
for name, parameter in lenet.named_parameters():
    print(f"{name:9}{'×'.join(map(str, parameter.shape)):12}{parameter.numel():7,} numbers")

# %% [markdown]
# ### Exercise: Count the parameters
#
# Write `count_parameters(net, trainable_only=False)`: how many numbers a module holds in its parameters, as a Python `int`. `net` is any
# `nn.Module`. With `trainable_only=True`, parameters whose `requires_grad` is `False` (frozen ones) do not count. Buffers, such as the running
# mean of a batch normalisation, are no parameters.
#
# <details><summary>Hint: what to add up</summary>
#
# `parameter.numel()` is the number of numbers in one parameter. `sum(... for ... in ...)` adds; an `if` may follow.
#
# </details>


# %% exercise="count_parameters" difficulty=1 minutes=4
def count_parameters(net: nn.Module, trainable_only: bool = False) -> int:
    """The number of numbers in the parameters of a module.

    trainable_only: leave out parameters that are frozen. Returns: a Python int.
    """
    ### BEGIN SOLUTION
    return sum(p.numel() for p in net.parameters() if p.requires_grad or not trainable_only)
    ### END SOLUTION


# %% check="count_parameters" points=1
layers = [nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()]
layers += [nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)]
net = nn.Sequential(*layers)
expect(
    count_parameters(net),
    105_506,
    "count_parameters of the LeNet-like net",
    mistakes={
        "These are the tensors: count the numbers in them.": 8,
        "Each parameter is counted twice: net.parameters() already goes into the modules inside.": 2 * 105_506,
        "The biases are missing.": 800 + 51_200 + 51_200 + 2_000,
        "You return inside the loop: that is the first weight alone.": 800,
    },
)
column = [832, 0, 0, 51_264, 0, 0, 0, 51_400, 0, 2_010]
expect([count_parameters(layer) for layer in layers], column, "count_parameters of each of its layers")
net[0].weight.requires_grad_(False)
net[0].bias.requires_grad_(False)
expect(
    count_parameters(net, trainable_only=True),
    105_506 - 832,
    "count_parameters(net, trainable_only=True) with a frozen first layer",
    mistakes={
        "trainable_only makes no difference in yours.": 105_506,
        "These are the frozen ones.": 832,
    },
)
expect(
    count_parameters(net),
    105_506,
    "count_parameters(net) with a frozen first layer: frozen parameters count, too",
    mistakes={"Frozen parameters are left out only with trainable_only=True.": 105_506 - 832},
)
### BEGIN HIDDEN TESTS
net = nn.Sequential(nn.Conv2d(3, 7, (2, 5), bias=False), nn.BatchNorm2d(7), nn.Sequential(nn.Linear(4, 9)))
mistakes = {"Buffers are no parameters: the state_dict holds both.": 210 + 14 + 45 + 15}
expect(count_parameters(net), 210 + 14 + 45, "count_parameters with a BatchNorm2d and a nested net", mistakes=mistakes)
### END HIDDEN TESTS

# %% [markdown]
# ### Counting products
#
# How much work is the forward pass of one image? Count the multiplications of a weight with a value. Each output of a layer is one weighted sum:
#
# $$\text{products} = \text{number of outputs} \times \text{weights behind one output}.$$
#
# - `nn.Linear(C, D)`: $D$ outputs, each of $C$ products.
# - `nn.Conv2d(C, D, k)`: $D \cdot H' \cdot W'$ outputs, each of $C \cdot k^2$ products.
#
# A bias is added, not multiplied: it costs no product. Pooling and ReLU compare: no products either.
#
# **Before you go on:** in the LeNet-like net, which layer has the most parameters, and which has the most products?
#
# ### Exercise: Count the products
#
# Write `count_products(net, shape)`: a list with one Python `int` for each module of `net`, the number of products for **one** sample.
#
# - `net` is an `nn.Sequential` of `nn.Conv2d`, `nn.Linear` and modules without products (`nn.ReLU`, `nn.MaxPool2d`, `nn.Flatten`), for which the entry is 0.
# - `shape` is the shape of one sample, such as `(1, 28, 28)`, without the sample dimension. Linear layers get vectors.
# - Convolutions may have padding, stride, kernels that are not square, and `groups` (whose weight has the shape `(D, C / groups, kH, kW)`).
#   Products with zeros of the padding count.
#
# <details><summary>Hint 1: the number of outputs</summary>
#
# Let the net tell it: send a batch of one sample (zeros will do) through the modules, one after another, as in `trace_shapes`. The output's
# `numel()` is the number of outputs.
#
# </details>
#
# <details><summary>Hint 2: the weights behind one output</summary>
#
# The first dimension of a weight says which output feature or channel it belongs to. All the others together are what one output needs, in a linear
# layer and in a convolution, whatever the groups.
#
# </details>
#
# <details><summary>Hint 3: modules without a weight</summary>
#
# `isinstance(module, (nn.Conv2d, nn.Linear))` tells them apart.
#
# </details>


# %% exercise="count_products" difficulty=3 minutes=12
def count_products(net: nn.Sequential, shape: tuple[int, ...]) -> list[int]:
    """The products of each module in the forward pass of one sample.

    shape: of one sample, without the sample dimension. Returns: one Python int per module.
    """
    ### BEGIN SOLUTION
    x = torch.zeros(1, *shape)
    products = []
    for module in net:
        x = module(x)
        has_products = isinstance(module, (nn.Conv2d, nn.Linear))
        products.append(x.numel() * module.weight[0].numel() if has_products else 0)
    return products
    ### END SOLUTION


# %% check="count_products" points=3
net = nn.Sequential(
    nn.Conv2d(1, 32, 5),
    nn.MaxPool2d(3),
    nn.ReLU(),
    nn.Conv2d(32, 64, 5),
    nn.MaxPool2d(2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(256, 200),
    nn.ReLU(),
    nn.Linear(200, 10),
)


def column(conv1, conv2, fc1=51_200, fc2=2_000):
    return [conv1, 0, 0, conv2, 0, 0, 0, fc1, 0, fc2]


products = count_products(net, (1, 28, 28))
expect(
    products,
    column(460_800, 819_200),
    "count_products of the LeNet-like net for images of 1×28×28",
    mistakes={
        "A bias is added, not multiplied: it costs no product.": column(
            32 * 24**2 * 26, 64 * 4**2 * (32 * 25 + 1), 200 * 257, 10 * 201
        ),
        "These are the weights: a kernel's weights are used again at every position of the output.": column(
            800, 51_200
        ),
        "These are the parameters.": column(832, 51_264, 51_400, 2_010),
        "Count the positions of the output (24×24), not those of the input.": column(
            32 * 28**2 * 25, 64 * 8**2 * 32 * 25
        ),
        "A kernel reaches through all input channels: 32·5·5 products for each output of conv2.": column(
            460_800, 64 * 16 * 25
        ),
        "The output channels are missing: each has a kernel of its own.": column(24**2 * 25, 32 * 16 * 25),
        "These are the numbers of outputs: each of them is a sum of several products.": column(
            32 * 24**2, 64 * 16, 200, 10
        ),
        "Only the modules with products are listed: write 0 for the others.": [460_800, 819_200, 51_200, 2_000],
        "This is the sum: give one number for each module.": 1_333_200,
    },
)
expect(sum(products), 1_333_200, "the sum: products of the forward pass of one image")
net = nn.Sequential(nn.Conv2d(3, 8, (2, 5), stride=(1, 2), padding=(0, 1)), nn.Flatten(), nn.Linear(8 * 6 * 5, 4))
expect(
    count_products(net, (3, 7, 11)),
    [8 * 6 * 5 * 3 * 10, 0, 4 * 240],
    "count_products with a kernel of 2×5, stride (1, 2) and padding (0, 1), for images of 3×7×11",
)
### BEGIN HIDDEN TESTS
net = nn.Sequential(nn.ReLU(), nn.Conv2d(6, 9, 3, groups=3, bias=False), nn.ReLU(), nn.Conv2d(9, 2, 1, dilation=2))
expect(
    count_products(net, (6, 8, 5)),
    [0, 9 * 6 * 3 * 2 * 9, 0, 2 * 6 * 3 * 9],
    "count_products with groups=3, without a bias",
    mistakes={"With groups each kernel sees C / groups channels.": [0, 9 * 6 * 3 * 6 * 9, 0, 2 * 6 * 3 * 9]},
)
expect(count_products(nn.Sequential(nn.Linear(13, 4)), (13,)), [52], "count_products of one linear layer")
### END HIDDEN TESTS

# %% [markdown]
# ### The whole table
#
# Your two functions give the two columns of the table below, for any such net. When they pass, print it with them in a cell of your own, for
# `lenet` and for nets of your choice: `for row in zip(lenet, [count_parameters(m) for m in lenet], count_products(lenet, (1, 28, 28))): print(*row)`.
#
# So that the page does not depend on them, the products come from another source here: PyTorch's own counter, `FlopCounterMode`. It watches a forward
# pass and counts multiplications **and** additions, two for each product, so half of its numbers are ours.

# %%
from torch.utils.flop_counter import FlopCounterMode

with FlopCounterMode(display=False) as counter:
    lenet(torch.zeros(1, 1, 28, 28))
flops = counter.get_flop_counts()


def times(sizes):
    return "×".join(map(str, sizes))


def line(name, weight, shape, parameters, products):
    print(f"{name:12}{weight:13}{shape:14}{parameters:>10}{products:>12}")


rows = []  # (name, shape of the weight, shape behind the module, parameters, products)
for i, module in enumerate(lenet):
    kind, sizes = type(module).__name__, [parameter.shape for parameter in module.parameters()]
    shape = lenet[: i + 1](torch.zeros(1, 1, 28, 28)).shape[1:]
    rows.append((kind, sizes[0] if sizes else (), shape, sum(map(math.prod, sizes)), 0))
    if f"Sequential.{i}" in flops:
        rows[i] = (*rows[i][:4], sum(flops[f"Sequential.{i}"].values()) // 2)

line("module", "weight", "shape behind", "parameters", "products")
line("(input)", "", "1×28×28", "", "")
for name, weight, shape, parameters, products in rows:
    line(name, times(weight), times(shape), f"{parameters:,}", f"{products:,}")
line("in all", "", "", f"{sum(row[3] for row in rows):,}", f"{sum(row[4] for row in rows):,}")
print(f"\nthe counter in all: {counter.get_total_flops():,} / 2 = {counter.get_total_flops() // 2:,}")

# %% [markdown]
# Check two rows by hand: $32 \cdot (5^2 + 1) = 832$ parameters and $32 \cdot 24^2 \cdot 5^2 = 460{,}800$ products; $64 \cdot (32 \cdot 5^2 + 1) = 51{,}264$ and
# $32 \cdot 64 \cdot 4^2 \cdot 5^2 = 819{,}200$.

# %%
layers = ["conv1", "conv2", "fc1", "fc2"]
parameters = [row[3] for row in rows if row[3]]
products = [row[4] for row in rows if row[4]]
figure, axes = plot_axes(8.6, 2.7, columns=2)
for ax, counts, name, colour in [
    (axes[0], parameters, "parameters", COLOURS["learned"]),
    (axes[1], products, "products for one image", COLOURS["plain"]),
]:
    bars = ax.barh(layers, counts, color=colour, edgecolor=INK, linewidth=0.6)
    ax.bar_label(bars, [f"{count:,}  ({count / sum(counts):.1%})" for count in counts], padding=4, fontsize=9)
    ax.set(title=f"{name}: {sum(counts):,}", xlim=(0, 1.5 * max(counts)), xticks=[])
    ax.spines["bottom"].set_visible(False)
    ax.grid(False)
    ax.invert_yaxis()
show(
    figure,
    alt="Two bar charts over the layers conv1, conv2, fc1, fc2. Left, parameters: 832, 51,264, 51,400 and 2,010, so half of them are in the linear "
    "layers and nearly all others in conv2. Right, products: 460,800, 819,200, 51,200 and 2,000: 96 percent are in the two convolutions.",
)
for name, count, row in zip(layers, products, [row for row in rows if row[4]]):
    print(f"{name}: each of its {math.prod(row[1]):,} weights is used {count // math.prod(row[1])}×")

# %% [markdown]
# The two pictures differ because a convolution **uses its weights again**: conv1 uses each weight at all 24 · 24 = 576 positions of its output, a linear layer each weight once. So
# the 832 parameters of conv1, less than 1 % of all, make a third of the work. Half of the parameters are in the linear layers, 96 % of the products in the
# convolutions. If you want a *faster* network, look at the convolutions; if you want a *smaller* one, at fc1 and conv2.
#
# ## A class of your own
#
# `nn.Sequential` is a chain. As soon as an input goes two ways, a layer is used twice, or something is printed on the way, you need a class. Two methods:
#
# - `__init__` makes the parts that have parameters, and keeps them as attributes. Its first line is `super().__init__()`.
# - `forward` says what happens to an input. Here any Python goes, and functions of `F` need no module.


# %%
class TwoLayers(nn.Module):
    """Linear, ReLU, linear."""

    def __init__(self, in_features, hidden, out_features):
        super().__init__()  # first of all: sets up the registers
        self.fc1 = nn.Linear(in_features, hidden)
        self.fc2 = nn.Linear(hidden, out_features)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


net = TwoLayers(10, 100, 2)
print(net)
print("523×10 →", "×".join(map(str, net(torch.randn(523, 10)).shape)))
print([name for name, _ in net.named_parameters()])

# %% [markdown]
# The base class `nn.Module` does the rest. It notices each attribute that is a module or an `nn.Parameter` and enters it in a register. So `net.fc1 = …` is enough for
# `parameters()`, `print` and much more.
#
# *What changed:* older code says `super(TwoLayers, self).__init__()`; the arguments have not been needed since Python 3.
#
# ### Call the module, not forward
#
# You write `forward`, but you call `net(x)`. The call runs `forward` and everything that was hooked to the module. Here a function is hooked that reports
# each call.
#
# **Before you run it:** how many lines does this print?

# %% predict
handle = net.register_forward_hook(lambda module, args, output: print("the hook sees", tuple(output.shape)))
x = torch.randn(3, 10)
same = torch.equal(net(x), net.forward(x))
print("the same result:", same)
handle.remove()

# %% [markdown]
# Two: the hook ran once. `net.forward(x)` gives the same result but goes past the hooks, and tools that rely on them silently do nothing. Notebook 11 looks inside.
#
# ### When super() is forgotten


# %%
class Forgetful(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(10, 2)


try:
    Forgetful()
except AttributeError as error:
    print(error)

# %% [markdown]
# Without the registers the first module has no place to go. The message names the mending.
#
# ### Exercise: The LeNet-like net as a class
#
# Write the class `LeNet(classes=10)` with the parts `conv1`, `conv2`, `fc1`, `fc2` as in *A network, line by line*, but `fc2` with `classes` outputs. `forward` takes images of
# $N \times 1 \times 28 \times 28$ and returns the logits, $N \times$ `classes`. Max pooling by 3 and a ReLU behind `conv1`, max pooling by 2 and a ReLU behind `conv2`, a ReLU behind `fc1`,
# nothing behind `fc2`. (Pooling before or after the ReLU: the result is the same.)
#
# Images from which another number of features is left than 256, such as 40×40, must lead to an error, never to another number of rows. (Images of 30×30 pass: the
# pooling rounds down, and 256 are left.)
#
# <details><summary>Hint 1: what goes where?</summary>
#
# Four parts have parameters: they are made in `__init__`. Pooling, ReLU and flattening have none: functions in `forward` will do.
#
# </details>
#
# <details><summary>Hint 2: forward</summary>
#
# It is the code of *A network, line by line*, with `self.` before the four parts and a `return`.
#
# </details>
#
# <details><summary>Hint 3: images of another size</summary>
#
# See *The trap of view(-1, 256)*.
#
# </details>


# %% exercise="lenet" difficulty=2 minutes=8
class LeNet(nn.Module):
    """A convolutional network for images of 28×28.

    Args:
        classes: the number of logits.
    """

    def __init__(self, classes: int = 10):
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, kernel_size=5)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5)
        self.fc1 = nn.Linear(256, 200)
        self.fc2 = nn.Linear(200, classes)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, 1, 28, 28). Returns: (N, classes)."""
        ### BEGIN SOLUTION
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)
        ### END SOLUTION


# %% check="lenet" points=2
g = torch.Generator().manual_seed(105)
net = LeNet()
sizes = {
    "conv1.weight": (32, 1, 5, 5),
    "conv1.bias": (32,),
    "conv2.weight": (64, 32, 5, 5),
    "conv2.bias": (64,),
    "fc1.weight": (200, 256),
    "fc1.bias": (200,),
    "fc2.weight": (10, 200),
    "fc2.bias": (10,),
}
expect(
    {name: tuple(parameter.shape) for name, parameter in net.named_parameters()},
    sizes,
    "names and shapes of the parameters of LeNet()",
    mistakes={
        "No part is registered: keep each in an attribute of self, in `__init__`.": {},
    },
)
p = {name: torch.randn(size, generator=g) / math.prod(size[1:]) ** 0.5 for name, size in sizes.items()}
p |= {name: value / 4 for name, value in p.items() if "bias" in name}
net.load_state_dict(p)
x = torch.randn(12, 1, 28, 28, generator=g)
before = x.clone()


def wanted(first=F.relu, second=F.relu, third=F.relu):
    h = first(F.max_pool2d(F.conv2d(before, p["conv1.weight"], p["conv1.bias"]), 3))
    h = second(F.max_pool2d(F.conv2d(h, p["conv2.weight"], p["conv2.bias"]), 2))
    h = third(F.linear(h.flatten(1), p["fc1.weight"], p["fc1.bias"]))
    return F.linear(h, p["fc2.weight"], p["fc2.bias"])


def nothing(h):
    return h


s = wanted()
with torch.no_grad():
    answer = net(inplace(x))
expect(
    answer,
    s,
    "LeNet()(x) for x of shape (12, 1, 28, 28)",
    mistakes={
        "The ReLU behind fc1 is missing.": wanted(third=nothing),
        "The ReLU behind conv1 is missing.": wanted(first=nothing),
        "The ReLU behind conv2 is missing.": wanted(second=nothing),
        "The ReLUs behind both convolutions are missing.": wanted(first=nothing, second=nothing),
        "There is no ReLU at all.": wanted(nothing, nothing, nothing),
        "There is a ReLU behind fc2: logits may be negative.": F.relu(s),
        "There is a softmax behind fc2: the net returns logits.": s.softmax(1),
    },
    rtol=1e-3,
    atol=1e-4,
)
expect(x, before, "x is as it was")
try:
    rows = net(torch.zeros(12, 1, 40, 40)).shape[0]
except Exception:
    rows = "an error"
expect(
    rows,
    "an error",
    "12 images of 40×40 lead to an error",
    mistakes={"view(-1, 256) made 48 rows of 12 images: flatten each image by itself.": 48},
)
### BEGIN HIDDEN TESTS
net = LeNet(classes=7)
out = net(torch.randn(1, 1, 28, 28, generator=g))
expect(tuple(out.shape), (1, 7), "the shape of LeNet(classes=7)(x) for one image")
out.sum().backward()
expect([q.grad is not None for q in net.parameters()], [True] * 8, "a gradient reaches all eight parameters")
expect(tuple(LeNet()(torch.zeros(5, 1, 30, 30)).shape), (5, 10), "the shape of LeNet()(x) for 5 images of 30×30")
### END HIDDEN TESTS

# %% [markdown]
# ## What parameters() sees
#
# An optimizer changes what `net.parameters()` hands it, and nothing else. This module has three parts, one of them in a Python list:


# %%
class Buggy(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 32, kernel_size=5)
        self.param = nn.Parameter(torch.zeros(123, 456))
        self.other_stuff = [nn.Linear(543, 21)]


# %% [markdown]
# **Before you run it:** which shapes does this print, and how many?

# %% predict
buggy = Buggy()
for name, parameter in buggy.named_parameters():
    print(f"{name:12}", "×".join(map(str, parameter.shape)))

# %% [markdown]
# Three: a module's own parameters first, then those of its modules. The `nn.Linear` in the list is missing.
#
# `nn.Module` looks at each attribute when it is assigned. A list is neither a module nor a parameter, and it does not look inside. The same holds for
# a dict or a tuple, and for parameters instead of modules. `nn.ModuleList` is a list that is a module:


# %%
class Mended(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 32, kernel_size=5)
        self.param = nn.Parameter(torch.zeros(123, 456))
        self.other_stuff = nn.ModuleList()
        self.other_stuff.append(nn.Linear(543, 21))


mended = Mended()
for name, parameter in mended.named_parameters():
    print(f"{name:21}", "×".join(map(str, parameter.shape)))


# %%
def tree(ax, title, rows):
    """A tree of names; rows: (depth, name, shape or kind, role), the role being learned, plain or loss (not seen)."""
    for i, (depth, name, detail, role) in enumerate(rows):
        x, hidden = 0.7 * depth, role == "loss"
        if depth:
            parent = max(k for k in range(i) if rows[k][0] < depth)
            bend = {"color": INK, "lw": 1.1, "ls": ":" if hidden else "-"}
            ax.plot([x - 0.45, x - 0.45, x], [parent + 0.32, i, i], **bend)
        face = (COLOURS[role], 0.3) if role == "learned" else "white"
        style = {"linestyle": "--" if hidden else "-", "edgecolor": COLOURS[role], "linewidth": 1.6}
        ax.add_artist(plt.Rectangle((x, i - 0.32), 4.3, 0.64, facecolor=face, **style))
        ax.text(x + 0.15, i, name, va="center", fontsize=9, color=INK, weight="bold")
        ax.text(x + 4.15, i, detail, va="center", ha="right", fontsize=8.5, color=INK)
    ax.set(xlim=(-0.1, 6.0), ylim=(7.5, -0.6), title=title)
    ax.axis("off")


top = [
    (1, "param", "123×456", "learned"),
    (1, "conv", "Conv2d", "plain"),
    (2, "weight", "32×1×5×5", "learned"),
    (2, "bias", "32", "learned"),
]
figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), layout="constrained")
lost = [
    (1, "other_stuff", "list", "loss"),
    (2, "weight", "21×543, not seen", "loss"),
    (2, "bias", "21, not seen", "loss"),
]
tree(axes[0], "Buggy: 3 parameters seen", [(0, "Buggy", "Module", "plain"), *top, *lost])
seen = [(1, "other_stuff", "ModuleList", "plain"), (2, "0.weight", "21×543", "learned"), (2, "0.bias", "21", "learned")]
tree(axes[1], "Mended: 5 parameters seen", [(0, "Mended", "Module", "plain"), *top, *seen])
show(
    figure,
    alt="Two trees of what parameters() sees. Left, Buggy: param of 123×456 and conv with weight 32×1×5×5 and bias 32 are filled orange; other_stuff, a list, and "
    "below it weight 21×543 and bias 21 are dashed in red, not seen. Right, Mended: other_stuff is a ModuleList, and its 0.weight and 0.bias are "
    "orange like the rest. Three parameters against five.",
)

# %% [markdown]
# ### It does not fail, it only learns less
#
# The dangerous part: nothing breaks. Below, two nets learn the same 8×8 digits from the same start. One keeps its two hidden layers in a list, the other in an
# `nn.ModuleList`.
#
# **Before you run it:** will the loss of the buggy net fall at all?

# %% predict varies
digits, labels = load_digits()
x, y = digits[:300].flatten(1) / 16, labels[:300]


class Hidden(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.hidden = container([nn.Linear(64, 100), nn.Linear(100, 100)])
        self.last = nn.Linear(100, 10)

    def forward(self, x):
        for layer in self.hidden:
            x = F.relu(layer(x))
        return self.last(x)


curves = {}
for container in (list, nn.ModuleList):
    torch.manual_seed(1)
    net = Hidden(container)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    start = net.hidden[0].weight.detach().clone()
    curves[container.__name__] = losses = []
    for _ in range(100):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    moved = not torch.equal(net.hidden[0].weight, start)
    print(f"{container.__name__:11} loss {losses[0]:.2f} → {losses[-1]:.2f}   first hidden layer has changed: {moved}")

# %% varies
figure, ax = plot_axes(6.4, 3.0)
ax.plot(curves["list"], color=COLOURS["loss"], lw=2.2, ls="--")
ax.plot(curves["ModuleList"], color=COLOURS["loss"], lw=2.2)
ax.text(98, curves["list"][-1] + 0.3, "list: only the last layer learns", ha="right", fontsize=9, color=INK)
ax.text(98, curves["ModuleList"][-1] + 0.12, "ModuleList: all layers learn", ha="right", fontsize=9, color=INK)
ax.set(xlabel="step", ylabel="loss on 300 digits", ylim=(0, 2.5), title="the same net, two containers")
show(
    figure,
    alt="Two loss curves over 100 steps, both starting at about 2.3. The dashed one, hidden layers in a list, falls slowly and stays far above the "
    "solid one, hidden layers in a ModuleList, which falls close to 0. The buggy net learns too, only worse.",
)

# %% [markdown]
# It falls: the last layer is registered and learns what it can from random features. (`F.cross_entropy(logits, labels)` is the usual loss for classes: small when
# the logit of the right class is the largest by far. Notebook 13 takes it apart.) The lost layers are also missing when the net is saved, and when `net.to(device)` moves it
# to a GPU.
#
# ### All ways to register
#
# | you have | write |
# |---|---|
# | one module or parameter | `self.name = …` |
# | a list of modules | `nn.ModuleList([…])` |
# | a dict of modules | `nn.ModuleDict({…})` |
# | a module under a name that is computed | `self.add_module(name, module)` |
# | a parameter under a name that is computed | `self.register_parameter(name, parameter)` |
#
# For lists and dicts of parameters there are `nn.ParameterList` and `nn.ParameterDict`. What was registered under a computed name is read with `getattr(self, name)`. The
# built-in `setattr(self, name, value)` registers too: it is `self.name = value` with a computed name.


# %%
class ByName(nn.Module):
    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleDict({"wide": nn.Linear(4, 8), "narrow": nn.Linear(4, 2)})
        self.add_module("extra", nn.Linear(4, 1))
        self.register_parameter("scale", nn.Parameter(torch.ones(3)))


net = ByName()
for name, parameter in net.named_parameters():
    print(f"{name:24}", "×".join(map(str, parameter.shape)))
print(net.branches["wide"], "|", getattr(net, "ex" + "tra"), "|", net.scale.tolist())

# %% [markdown]
# For parameters it is the same. **Before you run it:** two modules keep the same two parameters, one in a dict, one in an `nn.ParameterDict`. What does each see?


# %% predict
class Keeps(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.ranges = container({"low": nn.Parameter(torch.zeros(3)), "high": nn.Parameter(torch.ones(3))})


for container in (dict, nn.ParameterDict):
    print(f"{container.__name__:14}", [name for name, _ in Keeps(container).named_parameters()])

# %% [markdown]
# The dict is not looked into. The `nn.ParameterDict` is a module, and its parameters have the keys as names.
#
# A `ModuleList` and a `ModuleDict` only **hold**: they have no `forward`. Which module runs when is for your `forward` to say. (An `nn.Sequential` holds *and* runs.)
#
# ### Exercise: Mend the committee
#
# A committee asks several linear layers and takes the **mean** of their outputs. This version runs, but it has no parameters:
#
# ```python
# class Committee(nn.Module):
#     def __init__(self, in_features, classes, members):
#         super().__init__()
#         self.members = [nn.Linear(in_features, classes) for _ in range(members)]
#
#     def forward(self, x):
#         return sum(member(x) for member in self.members) / len(self.members)
# ```
#
# Mend it with an `nn.ModuleList`, which stays under the name `members`. Each member has parameters of its own. `forward` gives the same as before, for `x` of shape
# $N \times$ `in_features`.
#
# <details><summary>Hint: how much has to change?</summary>
#
# One line. An `nn.ModuleList` is made from a list, and can be looped over and measured with `len` like one.
#
# </details>


# %% exercise="committee" difficulty=1 minutes=4
class Committee(nn.Module):
    """The mean of several linear layers.

    Args:
        in_features, classes: sizes of each member.
        members: how many there are, at least 1.
    """

    def __init__(self, in_features: int, classes: int, members: int):
        ### BEGIN SOLUTION
        super().__init__()
        self.members = nn.ModuleList([nn.Linear(in_features, classes) for _ in range(members)])
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, in_features). Returns: (N, classes)."""
        ### BEGIN SOLUTION
        return sum(member(x) for member in self.members) / len(self.members)
        ### END SOLUTION


# %% check="committee" points=1
g = torch.Generator().manual_seed(106)
net = Committee(5, 4, members=3)
sizes = {f"members.{i}.{part}": size for i in range(3) for part, size in [("weight", (4, 5)), ("bias", (4,))]}
expect(
    {name: tuple(parameter.shape) for name, parameter in net.named_parameters()},
    sizes,
    "names and shapes of the parameters of Committee(5, 4, members=3)",
    mistakes={
        "Still nothing is registered: nn.Module does not look into a list.": {},
        "There is one member only, in every place of the list: make a new nn.Linear for each.": {
            "members.0.weight": (4, 5),
            "members.0.bias": (4,),
        },
        "The names show another attribute: keep the ModuleList in self.members.": {
            name.removeprefix("members."): size for name, size in sizes.items()
        },
    },
)
p = {name: torch.randn(size, generator=g) for name, size in sizes.items()}
net.load_state_dict(p)
x = torch.randn(6, 5, generator=g)
outputs = [F.linear(x, p[f"members.{i}.weight"], p[f"members.{i}.bias"]) for i in range(3)]
with torch.no_grad():
    answer = net(x)
expect(
    answer,
    sum(outputs) / 3,
    "the output for 6 samples: the mean of the members' outputs",
    mistakes={
        "This is the sum: the mean was asked for.": sum(outputs),
        "Only the last member is used: add up the outputs of all of them.": outputs[-1],
        "Only the first member is used.": outputs[0],
        "The mean went over the classes: it goes over the members.": torch.stack(outputs).mean(-1),
    },
    rtol=1e-4,
    atol=1e-5,
)
### BEGIN HIDDEN TESTS
net = Committee(2, 7, members=1)
expect(tuple(net(torch.ones(3, 2)).shape), (3, 7), "the shape of the output of a committee of one")
net = Committee(4, 4, members=5)
values = {name: torch.randn(tuple(v.shape), generator=g) for name, v in net.state_dict().items()}
net.load_state_dict(values)
x = torch.randn(3, 4, generator=g)
outputs = [F.linear(x, values[f"members.{i}.weight"], values[f"members.{i}.bias"]) for i in range(5)]
expect(net(x).detach(), sum(outputs) / 5, "the output of a committee of five, 4 → 4", rtol=1e-4, atol=1e-5)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise: A committee with votes, by name
#
# Now without `nn.ModuleList`, and each member has a weight of its own that is learned. Write `VotingCommittee(in_features, classes, members)`:
#
# - The members are `nn.Linear`s registered under the names `member0`, `member1`, … directly in the module.
# - The votes are parameters registered under the names `vote0`, `vote1`, …: 0-d tensors, float32, at first $1 / \text{members}$ each.
# - The output is $\sum_i v_i \cdot f_i(x)$, with the votes as they are (not normalised).
#
# <details><summary>Hint 1: names that are computed</summary>
#
# `f"member{i}"` is a name as a string. Which two methods of the table above take a string? And how is the thing read again in `forward`?
#
# </details>
#
# <details><summary>Hint 2: forward must know how many there are</summary>
#
# An `int` is a setting. Keep it in an attribute, under a name that no member has.
#
# </details>
#
# <details><summary>Hint 3: a 0-d parameter</summary>
#
# `nn.Parameter(torch.tensor(0.5))`. With square brackets, `torch.tensor([0.5])`, it would have the shape `(1,)`.
#
# </details>


# %% exercise="voting_committee" difficulty=2 minutes=8
class VotingCommittee(nn.Module):
    """The sum of several linear layers, each times a learned number.

    Args:
        in_features, classes: sizes of each member.
        members: how many there are, at least 1.
    """

    def __init__(self, in_features: int, classes: int, members: int):
        ### BEGIN SOLUTION
        super().__init__()
        self.count = members
        for i in range(members):
            self.add_module(f"member{i}", nn.Linear(in_features, classes))
            self.register_parameter(f"vote{i}", nn.Parameter(torch.tensor(1 / members)))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, in_features). Returns: (N, classes)."""
        ### BEGIN SOLUTION
        return sum(getattr(self, f"vote{i}") * getattr(self, f"member{i}")(x) for i in range(self.count))
        ### END SOLUTION


# %% check="voting_committee" points=2
g = torch.Generator().manual_seed(107)
net = VotingCommittee(5, 3, members=4)
members = {f"member{i}.{part}": size for i in range(4) for part, size in [("weight", (3, 5)), ("bias", (3,))]}
votes = {f"vote{i}": () for i in range(4)}
# The names in the order of the alphabet: in which order you register them does not matter.
sizes = dict(sorted((members | votes).items()))
expect(
    dict(sorted((name, tuple(parameter.shape)) for name, parameter in net.named_parameters())),
    sizes,
    "names and shapes of the parameters of VotingCommittee(5, 3, members=4)",
    mistakes={
        "Nothing is registered: lists, dicts and local variables are not seen.": {},
        "The votes are not registered: an nn.Parameter is needed, a plain tensor is not seen.": members,
        "The members are not registered.": votes,
        "The votes have the shape (1,): 0-d tensors were asked for.": sizes | dict.fromkeys(votes, (1,)),
        "Each name has a dot: the containers hold the parts. Register them in the module itself.": {
            name.replace("member", "members.").replace("vote", "votes."): size for name, size in sizes.items()
        },
    },
)
start = {name: value for name, value in net.state_dict().items() if name.startswith("vote")}
expect(
    start,
    dict.fromkeys(start, torch.tensor(0.25)),
    "the votes at first",
    mistakes={"They are 1 each: 1 / members was asked for.": dict.fromkeys(start, torch.tensor(1.0))},
)
p = {name: torch.randn(size, generator=g) for name, size in sizes.items()}
net.load_state_dict(p)
x = torch.randn(6, 5, generator=g)
outputs = [F.linear(x, p[f"member{i}.weight"], p[f"member{i}.bias"]) for i in range(4)]
v = torch.stack([p[f"vote{i}"] for i in range(4)])
with torch.no_grad():
    answer = net(x)
expect(
    answer,
    sum(v[i] * outputs[i] for i in range(4)),
    "the output for 6 samples, with votes of any size",
    mistakes={
        "The votes are not used: this is the mean.": sum(outputs) / 4,
        "The votes are not used: this is the sum.": sum(outputs),
        "The votes went through a softmax: take them as they are.": sum(v.softmax(0)[i] * outputs[i] for i in range(4)),
        "The votes are divided by their sum: take them as they are.": sum(v[i] * outputs[i] for i in range(4))
        / v.sum(),
        "It is divided by the number of members: the votes do that already.": sum(v[i] * outputs[i] for i in range(4))
        / 4,
        "Only the last member is used.": v[3] * outputs[3],
    },
    rtol=1e-4,
    atol=1e-5,
)
### BEGIN HIDDEN TESTS
net(x).sum().backward()
wanted = {f"vote{i}": outputs[i].sum() for i in range(4)}
actual = {name: q.grad for name, q in sorted(net.named_parameters()) if name in wanted}
expect(actual, wanted, "the gradient of each vote", rtol=1e-4, atol=1e-4)
net = VotingCommittee(2, 6, members=11)
expect(len(list(net.parameters())), 33, "the number of parameters with 11 members")
expect(tuple(net(torch.ones(3, 2)).shape), (3, 6), "the shape of the output with 11 members")
### END HIDDEN TESTS

# %% [markdown]
# ## An input that goes two ways
#
# In a **residual block** (He and others, 2015) the input goes through two convolutions, and is added to what they give:
#
# $$y = \mathrm{relu}\left(x + f(x)\right), \qquad f(x) = \mathrm{conv}_2(\mathrm{relu}(\mathrm{conv}_1(x))).$$
#
# The block only has to learn what to *change* about $x$. And through the plus the gradient of $y$ also reaches $x$ directly, however deep the network is.

# %%
figure, ax = plt.subplots(figsize=(8.4, 2.3))
stations = [(1.0, "x", "input"), (3.2, "conv1", "learned"), (5.3, "ReLU", "plain"), (7.4, "conv2", "learned")]
stations += [(9.3, "+", "plain"), (11.1, "ReLU", "plain"), (13.2, "y", "output")]
for (x0, text, role), following in zip(stations, [*stations[1:], None]):
    half = 0.35 if text == "+" else 0.65
    ax.add_artist(
        plt.Rectangle(
            (x0 - half, -0.35), 2 * half, 0.7, facecolor=(COLOURS[role], 0.25), edgecolor=COLOURS[role], lw=1.8
        )
    )
    ax.text(x0, 0, text, ha="center", va="center", fontsize=10, color=INK)
    if following:
        end = following[0] - (0.35 if following[1] == "+" else 0.65)
        ax.annotate("", (end, 0), (x0 + half, 0), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.3})
ax.plot([2.0, 2.0, 9.3], [0, 1.15, 1.15], color=COLOURS["input"], lw=1.8)
ax.annotate("", (9.3, 0.35), (9.3, 1.18), arrowprops={"arrowstyle": "->", "color": COLOURS["input"], "lw": 1.8})
ax.text(5.65, 1.25, "x, unchanged: C×H×W", ha="center", va="bottom", fontsize=9, color=COLOURS["input"])
for x0, text in [(1.0, "C×H×W"), (4.3, "C×H×W"), (8.5, "f(x): C×H×W"), (13.2, "C×H×W")]:
    ax.text(x0, -0.5, text, ha="center", va="top", fontsize=9, color=INK)
ax.set(xlim=(0.1, 14.1), ylim=(-1, 1.75), aspect="equal")
ax.axis("off")
show(
    figure,
    alt="A residual block. The input x of C×H×W goes two ways: along the lower path through conv1, ReLU and conv2, which gives f(x) of C×H×W; along the upper "
    "path unchanged around them. Both meet at a plus, then a ReLU gives y of C×H×W. All shapes are the same.",
)

# %% [markdown]
# The sum wants equal shapes. So both convolutions keep the number of channels, and are padded such that height and width stay: for an odd kernel $k$ and stride 1 that is a
# padding of $(k - 1) / 2$ on each side.
#
# ### Exercise: A residual block
#
# Write the class `Residual(channels, kernel_size=3)`: the block above, for an odd `kernel_size`. The parts are named `conv1` and `conv2`; both have a bias. The input must not be changed.
#
# <details><summary>Hint 1: the input is needed twice</summary>
#
# Do not overwrite `x` before the sum: give the other path a name of its own.
#
# </details>
#
# <details><summary>Hint 2: "The size of tensor a must match the size of tensor b"</summary>
#
# The convolutions make the image smaller. `nn.Conv2d` has the argument `padding`.
#
# </details>


# %% exercise="residual" difficulty=2 minutes=8
class Residual(nn.Module):
    """relu(x + conv2(relu(conv1(x)))).

    Args:
        channels: of the input, and of everything else.
        kernel_size: an odd number.
    """

    def __init__(self, channels: int, kernel_size: int = 3):
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size, padding=kernel_size // 2)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, channels, H, W). Returns: the same shape."""
        ### BEGIN SOLUTION
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))
        ### END SOLUTION


# %% check="residual" points=2
g = torch.Generator().manual_seed(108)
net = Residual(4)
sizes = {"conv1.weight": (4, 4, 3, 3), "conv1.bias": (4,), "conv2.weight": (4, 4, 3, 3), "conv2.bias": (4,)}
expect(
    {name: tuple(parameter.shape) for name, parameter in net.named_parameters()},
    sizes,
    "names and shapes of the parameters of Residual(4)",
    mistakes={
        "There is one convolution only: two with parameters of their own were asked for.": dict(
            list(sizes.items())[:2]
        ),
        "The biases are missing.": {name: size for name, size in sizes.items() if "weight" in name},
    },
)
p = {name: torch.randn(size, generator=g) / 4 for name, size in sizes.items()}
net.load_state_dict(p)
x = torch.randn(2, 4, 7, 5, generator=g)
before = x.clone()
first = F.conv2d(before, p["conv1.weight"], p["conv1.bias"], padding=1)
f = F.conv2d(F.relu(first), p["conv2.weight"], p["conv2.bias"], padding=1)
no_relu = F.conv2d(first, p["conv2.weight"], p["conv2.bias"], padding=1)
hidden = F.relu(first)
with torch.no_grad():
    answer = net(inplace(x))
expect(
    answer,
    F.relu(before + f),
    "Residual(4)(x) for x of shape (2, 4, 7, 5)",
    mistakes={
        "The input is not added: that is the chain alone.": F.relu(f),
        "The input is not added, and there is no ReLU at the end.": f,
        "The ReLU at the end is missing.": before + f,
        "The last ReLU comes before the sum: add first.": before + F.relu(f),
        "There is a ReLU too many, between conv2 and the sum.": F.relu(before + F.relu(f)),
        "The ReLU between the convolutions is missing.": F.relu(before + no_relu),
        "There is no ReLU at all.": before + no_relu,
        "Not x was added, but the output of conv1: x was overwritten.": F.relu(hidden + f),
        "Not x was added, but f(x) once more: x was overwritten.": F.relu(2 * f),
    },
    rtol=1e-4,
    atol=1e-5,
)
expect(x, before, "x is as it was")
expect(
    tuple(Residual(2, kernel_size=5)(torch.zeros(3, 2, 6, 9)).shape),
    (3, 2, 6, 9),
    "the shape of Residual(2, kernel_size=5)(x) for x of shape (3, 2, 6, 9)",
)
### BEGIN HIDDEN TESTS
net = Residual(3, kernel_size=1)
shapes = {name: tuple(parameter.shape) for name, parameter in net.named_parameters()}
expect(shapes["conv2.weight"], (3, 3, 1, 1), "the shape of conv2.weight of Residual(3, kernel_size=1)")
net.load_state_dict({name: torch.zeros(size) for name, size in shapes.items()})
x = torch.randn(2, 3, 4, 6, generator=g).requires_grad_()
y = net(x)
expect(y.detach(), x.detach().clamp(min=0), "with all parameters 0, y is relu(x)")
y.sum().backward()
expect(x.grad, (x.detach() > 0).float(), "with all parameters 0, the gradient goes through the sum alone")
### END HIDDEN TESTS

# %% [markdown]
# ## The backward pass comes by itself
#
# You wrote `forward`, never `backward`. Autograd notes down every operation of the forward pass and goes back through them, whatever Python they were called from.
#
# **Before you run it:** what does the first line of output say about `.grad` before `backward()`? And which shape does each gradient have after it?

# %% predict
torch.manual_seed(0)
batch, classes = torch.randn(12, 1, 28, 28), torch.randint(0, 10, (12,))
print("before:", {parameter.grad for parameter in lenet.parameters()})
loss = F.cross_entropy(lenet(batch), classes)
loss.backward()
print(f"loss: {loss.item():.1f}")
for name, parameter in lenet.named_parameters():
    print(
        f"{name:9} parameter {'×'.join(map(str, parameter.shape)):10}  gradient {'×'.join(map(str, parameter.grad.shape))}"
    )

# %% [markdown]
# Each parameter has a gradient of its own shape. One step of gradient descent is then the same for every network:
#
# $$w \leftarrow w - \eta\, \frac{\partial L}{\partial w} \quad \text{for every } w \text{ in } \texttt{net.parameters()} .$$
#
# *What changed:* older code changes parameters through `parameter.data`, past autograd. Today you write inside `with torch.no_grad():`, and autograd can still warn you of changes that would spoil a gradient.
#
# ### Exercise: One training step
#
# Write `training_step(net, x, labels, lr)`: one step of plain gradient descent (no momentum) on the loss `F.cross_entropy(net(x), labels)`.
#
# - Every parameter $w$ of `net` changes to $w - \mathrm{lr} \cdot \partial L/\partial w$, in place. Gradients from earlier calls must play no part.
# - Frozen parameters (`requires_grad` is `False`) stay as they are; the others stay trainable.
# - Return the loss as a Python `float`, computed **before** the parameters change.
#
# You may use `torch.optim.SGD` or write the update yourself.
#
# <details><summary>Hint 1: the order</summary>
#
# Set gradients to zero, compute the loss, `backward`, change the parameters, return the number.
#
# </details>
#
# <details><summary>Hint 2: "a leaf Variable that requires grad is being used in an in-place operation"</summary>
#
# The update itself must not be recorded: it belongs into `with torch.no_grad():`. An optimizer's `step` does that for you.
#
# </details>
#
# <details><summary>Hint 3: frozen parameters</summary>
#
# No gradient arrives there: `.grad` is `None`. An optimizer skips such parameters; if you loop yourself, skip them too.
#
# </details>


# %% exercise="training_step" difficulty=2 minutes=8
def training_step(net: nn.Module, x: torch.Tensor, labels: torch.Tensor, lr: float) -> float:
    """One step of gradient descent on the cross-entropy.

    x: a batch that net takes, N first. labels: (N,), int64. Returns: the loss before the step.
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION


# %% check="training_step" points=2
g = torch.Generator().manual_seed(109)
net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
start = {name: torch.randn(tuple(value.shape), generator=g) / 2 for name, value in net.state_dict().items()}
net.load_state_dict(start)
x, labels = torch.randn(9, 5, generator=g), torch.randint(0, 3, (9,), generator=g)
lr = 0.5


def loss_and_gradients(values, loss=F.cross_entropy):
    w = {name: value.clone().requires_grad_() for name, value in values.items()}
    h = F.relu(F.linear(x, w["0.weight"], w["0.bias"]))
    value = loss(F.linear(h, w["2.weight"], w["2.bias"]), labels)
    return value.item(), dict(zip(w, torch.autograd.grad(value, list(w.values()))))


def step(values, gradients, size=lr):
    return {name: value - size * gradients[name] for name, value in values.items()}


loss0, g0 = loss_and_gradients(start)
once = step(start, g0)
loss1, g1 = loss_and_gradients(once)
twice = step(once, g1)
sum_loss, sum_gradients = loss_and_gradients(start, lambda s, y: F.cross_entropy(s, y, reduction="sum"))
soft_loss, _ = loss_and_gradients(start, lambda s, y: F.cross_entropy(s.softmax(1), y))
answer = training_step(inplace(net), x, labels, lr)
expect(
    answer,
    loss0,
    "training_step returns the loss before the step, as a float",
    rtol=1e-4,
    mistakes={
        "This is the loss after the step.": loss1,
        "This is the sum over the samples: F.cross_entropy takes the mean by itself.": sum_loss,
        "There is a softmax before the loss: F.cross_entropy wants logits.": soft_loss,
        "This is a tensor: loss.item() makes a number of it.": torch.tensor(loss0),
    },
)
expect(
    net.state_dict(),
    once,
    "the parameters after one step",
    rtol=1e-4,
    atol=1e-5,
    mistakes={
        "The parameters did not change in the net: is the step missing, or the gradient set to zero before it?": start,
        "This is a step of Adam: plain gradient descent is asked for, torch.optim.SGD.": step(
            start, {name: gradient / (gradient.abs() + 1e-8) for name, gradient in g0.items()}
        ),
        "The step goes uphill: subtract the gradient.": step(start, g0, -lr),
        "lr is not used: the gradient is subtracted as it is.": step(start, g0, 1.0),
        "This is the gradient of the sum over the samples.": step(start, sum_gradients),
        "Two steps were taken.": twice,
    },
)
training_step(inplace(net), x, labels, lr)
expect(
    net.state_dict(),
    twice,
    "the parameters after a second step",
    rtol=1e-4,
    atol=1e-5,
    mistakes={
        "The gradients of the first step were still there: `backward` adds. Set them to zero before.": step(
            once, {name: g0[name] + g1[name] for name in g1}
        ),
    },
)
expect([p.requires_grad for p in net.parameters()], [True] * 4, "the parameters are still trainable")
### BEGIN HIDDEN TESTS
net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 4 * 3, 5))
values = {name: torch.randn(tuple(value.shape), generator=g) / 3 for name, value in net.state_dict().items()}
net.load_state_dict(values)
net[0].weight.requires_grad_(False)
x, labels = torch.randn(7, 1, 6, 5, generator=g), torch.randint(0, 5, (7,), generator=g)
first = training_step(inplace(net), x, labels, 0.05)
for _ in range(5):
    last = training_step(inplace(net), x, labels, 0.05)
expect(last < first, True, "the loss of a convolutional net falls in six steps")
expect(net.state_dict()["0.weight"], values["0.weight"], "frozen parameters stay as they are")
expect(torch.equal(net.state_dict()["0.bias"], values["0.bias"]), False, "the bias beside the frozen weight changes")
### END HIDDEN TESTS

# %% [markdown]
# ## Training on real digits
#
# The digits of this course have 8×8 pixels. Enlarged to 20×20 and framed with 4 pixels of zeros they have the size that the network wants:

# %%
digits, labels = load_digits()
digits, labels = digits[::6], labels[::6]  # 300 images, from many hands
large = F.interpolate(digits.unsqueeze(1) / 16, size=20, mode="bilinear", align_corners=False)
large = F.pad(large, (4, 4, 4, 4))
print("×".join(map(str, digits.shape)), "→", "×".join(map(str, large.shape)))
draw_images(
    [digits[1], large[1, 0], digits[2], large[2, 0], digits[4], large[4, 0]],
    [f"{labels[i]}: {size}" for i in (1, 2, 4) for size in ("8×8", "28×28")],
    alt="Three digits, each first with 8×8 pixels, then enlarged to 28×28 with smooth grey values and an empty frame around it.",
)

# %% [markdown]
# Before a long training, a quick test: can the network learn **one small batch by heart**? If not, something is broken: a part that is not registered, a
# gradient that does not arrive, a wrong label. **Before you run it:** with ten classes and a network that knows nothing, each class gets about 1/10. The cross-entropy
# is then $-\ln(1/10)$. Which number should the first loss be near?

# %% predict varies
torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(1, 32, kernel_size=5),
    nn.MaxPool2d(3),
    nn.ReLU(),
    nn.Conv2d(32, 64, kernel_size=5),
    nn.MaxPool2d(2),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(256, 200),
    nn.ReLU(),
    nn.Linear(200, 10),
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
losses = []
for _ in range(40):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(large[:20]), labels[:20])
    losses.append(loss.item())
    loss.backward()
    optimizer.step()
right = (net(large[:20]).argmax(1) == labels[:20]).sum()
print(f"-ln(1/10) = {math.log(10):.2f}   first loss {losses[0]:.2f}   last loss {losses[-1]:.2f}   {right} of 20 right")

# %% varies
figure, ax = plot_axes(6.4, 2.9)
ax.plot(losses, color=COLOURS["loss"], lw=2.2)
ax.axhline(math.log(10), color=INK, lw=1, ls=":")
ax.text(39, math.log(10) - 0.1, "guessing: ln 10 ≈ 2.30", ha="right", va="top", fontsize=9, color=INK)
ax.set(xlabel="step", ylabel="loss on the 20 images", ylim=(0, 2.6), title="twenty images learned by heart")
show(
    figure,
    alt="The loss over 40 steps: it starts at guessing, ln 10 or about 2.30, and falls to almost 0. The network has learned its twenty images by heart.",
)

# %% [markdown]
# That shows that the parts work together, and nothing about other images. Now the real thing.
#
# ### Exercise: Train the network
#
# Write `train(images, labels, epochs, batch_size, lr)`.
#
# - `images` is $N \times 1 \times 28 \times 28$, `labels` is $(N,)$, int64, 0 to 9.
# - Make the LeNet-like net (105,506 parameters; as `nn.Sequential` or as a class of your own) and `torch.optim.Adam` with learning rate `lr`.
# - In each epoch, go through all images once, in a **new random order**, in batches of `batch_size`. The last batch may be smaller.
# - Each batch is one step on the loss `F.cross_entropy(net(x), labels)`.
# - Return the net and a list with one Python `float` per step: the loss before the step.
# - Make net and optimizer once, for all epochs. Leave the net on the CPU, where the images are.
#
# Set no seed. The cell must stand on its own: write everything you need into it (copy from your earlier answers as you like). The check trains for a moment on 300 digits
# (8 epochs) and asks for **65 %** on others. Guessing gives 10 %.
#
# <details><summary>Hint 1: the plan</summary>
#
# Net and optimizer are made once. Then two loops: over the epochs, and inside over the batches. The inner one is a training step.
#
# </details>
#
# <details><summary>Hint 2: batches in random order</summary>
#
# `torch.randperm(N)` gives 0 to N−1 in random order, and `.split(batch_size)` cuts a tensor into pieces. A tensor of positions is an index: `images[batch]`, `labels[batch]`.
#
# </details>
#
# <details><summary>Hint 3: it does not learn</summary>
#
# Do image and label have the same index? Are the gradients set to zero? Is there a softmax too many? Is the optimizer made before the loops?
#
# </details>


# %% exercise="train" difficulty=3 minutes=15
def train(
    images: torch.Tensor, labels: torch.Tensor, epochs: int, batch_size: int, lr: float
) -> tuple[nn.Module, list[float]]:
    """Train a LeNet-like net with Adam on the cross-entropy.

    images: (N, 1, 28, 28). labels: (N,), int64. Returns: the net, and the loss before each step.
    """
    ### BEGIN SOLUTION
    net = nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=5),
        nn.MaxPool2d(3),
        nn.ReLU(),
        nn.Conv2d(32, 64, kernel_size=5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 200),
        nn.ReLU(),
        nn.Linear(200, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return net, losses
    ### END SOLUTION


# %% check="train" points=3
import copy

g = torch.Generator().manual_seed(110)
torch.manual_seed(110)
# With a learning rate of 0 the net stays as it was made, so the losses must be those of the net that comes back.
x, y = 8 * torch.randn(11, 1, 28, 28, generator=g), torch.arange(11) % 10
answer = train(x, y, epochs=2, batch_size=4, lr=0.0)
is_pair = isinstance(answer, (tuple, list)) and len(answer) == 2
expect(is_pair, True, "train returns two things: the net and the list of losses")
net, losses = answer
shapes = sorted(tuple(parameter.shape) for parameter in net.parameters())
wanted = [(32, 1, 5, 5), (32,), (64, 32, 5, 5), (64,), (200, 256), (200,), (10, 200), (10,)]
expect(shapes, sorted(wanted), "the shapes of the net's parameters")
expect(
    len(losses),
    6,
    "the number of losses: 2 epochs of 11 images in batches of 4",
    mistakes={
        "The last batch, of 3 images, is missing.": 4,
        "One loss per epoch: one per step was asked for.": 2,
        "This is one epoch: two were asked for.": 3,
        "That is one loss per image: use batches.": 22,
    },
)
expect({type(loss).__name__ for loss in losses}, {"float"}, "the losses are Python floats (loss.item())")


def lenet(net, x):
    """The logits of the LeNet-like net with the parameters of `net`, which are known by their shapes."""
    p = {tuple(parameter.shape): parameter.detach() for parameter in net.parameters()}
    h = F.relu(F.max_pool2d(F.conv2d(x, p[32, 1, 5, 5], p[32,]), 3))
    h = F.relu(F.max_pool2d(F.conv2d(h, p[64, 32, 5, 5], p[64,]), 2)).flatten(1)
    return F.linear(F.relu(F.linear(h, p[200, 256], p[200,])), p[10, 200], p[10,])


with torch.no_grad():
    logits = net(x)
expect(logits, lenet(net, x), "what the net computes from its parameters", rtol=1e-3, atol=1e-3)
same = x[:1].repeat(8, 1, 1, 1), y[:1].repeat(8)
_, constant = train(*same, epochs=1, batch_size=4, lr=0.0)
expect(
    constant,
    constant[:1] * 2,
    "with lr=0 nothing is learned: two batches of the same images have the same loss",
    rtol=1e-4,
    mistakes={"The argument lr is not used.": constant},
)
mean, soft = F.cross_entropy(logits, y).item(), F.cross_entropy(logits.softmax(1), y).item()
epoch = [4 * losses[i] + 4 * losses[i + 1] + 3 * losses[i + 2] for i in (0, 3)]
expect(
    [total / 11 for total in epoch],
    [mean] * 2,
    "each epoch visits every image once, with its own label: with lr=0 its mean loss is that of all 11 images",
    rtol=1e-4,
    mistakes={"There is a softmax before the loss: F.cross_entropy wants logits.": [soft] * 2},
)
orders = {tuple(round(loss, 5) for loss in losses[i : i + 3]) for i in (0, 3)}
in_order = [F.cross_entropy(part, label).item() for part, label in zip(logits.split(4), y.split(4))]
expect(
    any(abs(a - b) > 1e-4 for a, b in zip(losses, in_order)),
    True,
    "the images come in random order",
    mistakes={"They come as they lie: draw a random order in each epoch.": False},
)
expect(
    len(orders), 2, "the second epoch has another order than the first", mistakes={"Draw a new order in each epoch.": 1}
)

# Copies of one image, so that all batches are alike: with lr=0 the gradients that lie in the net must be those of one step, or none.
copies, label = x[:1].repeat(8, 1, 1, 1), y[:1].repeat(8)
net, _ = train(copies, label, epochs=2, batch_size=4, lr=0.0)
left = [torch.zeros(p.shape) if p.grad is None else p.grad.clone() for p in net.parameters()]
net.zero_grad()
F.cross_entropy(net(copies), label).backward()
once = [p.grad for p in net.parameters()]
times = sum((a * b).sum() for a, b in zip(left, once)) / sum((b * b).sum() for b in once)
expect(
    round(times.item()) in (0, 1),
    True,
    "each step uses its own gradients only",
    mistakes={"The gradients of earlier steps are still there: `backward` adds. Set them to zero in each step.": False},
)

# The same seed makes the same net. Trained with all images in one batch, its losses must be those of Adam.
x = torch.randn(11, 1, 28, 28, generator=g)
torch.manual_seed(111)
start, _ = train(x, y, epochs=1, batch_size=11, lr=0.0)
torch.manual_seed(111)
_, losses = train(x, y, epochs=5, batch_size=11, lr=3e-3)


def steps(optimizer, fresh=False, total=5):
    """Losses before each step, and after the last, of a copy of the net."""
    net, values = copy.deepcopy(start), []
    tool = optimizer(net.parameters(), lr=3e-3)
    for _ in range(total):
        tool = optimizer(net.parameters(), lr=3e-3) if fresh else tool
        loss = F.cross_entropy(net(x), y)
        values.append(loss.item())
        tool.zero_grad()
        loss.backward()
        tool.step()
    return [*values, F.cross_entropy(net(x), y).item()]


wanted = steps(torch.optim.Adam)
expect(
    losses,
    wanted[:5],
    "the losses of 5 steps of Adam with lr=3e-3, all images in one batch",
    rtol=1e-3,
    mistakes={
        "These are the losses after each step: note the loss down before the step.": wanted[1:],
        "The loss does not change: no step is taken.": wanted[:1] * 5,
        "The optimizer is made anew in every epoch or step, and forgets what it knows: make it once.": steps(
            torch.optim.Adam, fresh=True
        )[:5],
        "This is SGD: Adam is asked for.": steps(torch.optim.SGD)[:5],
    },
)

# Now 300 digits, enlarged to 28×28, judged by 299 others.
digits, digit_labels = load_digits()
large = F.interpolate(digits.unsqueeze(1) / 16, size=20, mode="bilinear", align_corners=False)
large = F.pad(large, (4, 4, 4, 4))
net, losses = train(large[::6], digit_labels[::6], epochs=8, batch_size=20, lr=2e-3)
with torch.no_grad():
    right = (lenet(net, large[3::6]).argmax(1) == digit_labels[3::6]).float().mean().item()
first, last = sum(losses[:5]) / 5, sum(losses[-5:]) / 5
expect(last < 0.6 * first, True, f"the loss falls in 8 epochs (yours: from {first:.2f} to {last:.2f})")
expect(right >= 0.65, True, f"at least 65 % of 299 other digits are right (yours: {right:.0%})")
### BEGIN HIDDEN TESTS
other = torch.randn(9, 1, 28, 28, generator=g)
_, losses = train(other, torch.arange(9), epochs=3, batch_size=7, lr=1e-3)
expect(len(losses), 6, "the number of losses: 3 epochs of 9 images in batches of 7")
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. Images of 3×32×32 go through <code>nn.Conv2d(3, 16, 5)</code>, <code>nn.MaxPool2d(2)</code> and <code>nn.Flatten()</code>. How many features must the next linear layer take? How many
# parameters and products has the convolution?</summary>
#
# 32 − 5 + 1 = 28, halved 14: 16 · 14 · 14 = 3136 features. Parameters: 16 · (3 · 25 + 1) = 1216. Products: 16 · 28 · 28 · 3 · 25 = 940,800.
#
# </details>
#
# <details><summary>2. A module keeps its layers in a Python list. What still works, what does not, and which three mendings do you know?</summary>
#
# `forward` works, and gradients even arrive at the layers. But `parameters()` does not see them, so the optimizer does not train them; they are not saved and not moved to a GPU.
# Mend with `nn.ModuleList`, with `add_module` and `getattr`, or with `nn.Sequential` if they form a chain.
#
# </details>
#
# <details><summary>3. You define <code>forward</code>. Why do you call <code>net(x)</code>, and where is the backward pass?</summary>
#
# The call runs `forward` and also the hooks. The backward pass is never written: autograd has noted down the operations of `forward`, and `loss.backward()` goes back through them.
#
# </details>
#
# **Next**: `11_inside_module`. You used the registers of `nn.Module`; now you look at them: what `__init__` sets up, what happens at `self.name = …`, and how you
# would write `nn.Sequential` yourself.
