# %% [markdown]
# # Modules: from layers to a network
#
# After this notebook you can
#
# - follow a batch through a network and give its shape after every layer;
# - build a network with `nn.Sequential`, or as your own class with `__init__` and `forward`;
# - count a network's parameters and multiplications, and tell which layers account for most of them;
# - find parameters that `parameters()` does not see, and fix the module;
# - write a residual block and a training loop, and train a convolutional network to read digits.
#
# **Points**: 19. **Time**: about 50 minutes of reading and 90 minutes for the 9 exercises. **You need**: `F.relu`
# (`03_functional_and_relu`), `nn.Linear` (`04_linear`), a loss, `backward()` and an optimizer's step (`05_mse_loss`), `nn.Conv2d`
# (`07_convolution`), `F.max_pool2d` and the size formula (`08_padding_stride_pooling`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## Shapes between layers
#
# You have all the building blocks: convolution, pooling, ReLU and linear layers. They fit together if their shapes do:
#
# | layer | takes | gives |
# |---|---|---|
# | `nn.Conv2d(C, D, k)` | $N \times C \times H \times W$ | $N \times D \times H' \times W'$ |
# | `nn.MaxPool2d(k)` | $N \times C \times H \times W$ | $N \times C \times H' \times W'$ |
# | `nn.ReLU()` | any shape | the same shape |
# | `nn.Linear(C, D)` | $\dots \times C$ | $\dots \times D$ |
#
# The training images of MNIST, a well-known set of handwritten digits, come as one tensor of shape 60000×28×28, with no
# channel dimension. Here is a tensor of that shape and dtype (its values do not matter here).
#
# **Before you run it:** what shape does it need for `nn.Conv2d(1, 32, kernel_size=5)`, and what shape for
# `nn.Linear(784, 10)`? Does either change of shape copy the 47 million numbers?

# %% predict
images = torch.empty(60000, 28, 28, dtype=torch.uint8)  # the shape of torchvision.datasets.MNIST(…).data
for_conv = images.unsqueeze(1)
for_linear = for_conv.flatten(1)
print("unsqueeze(1):", tuple(for_conv.shape))
print("flatten(1):  ", tuple(for_linear.shape))
print("shares memory with images:", for_linear.data_ptr() == images.data_ptr())

# %% [markdown]
# <details><summary>Why?</summary>
#
# A convolution needs a channel dimension, even if there is only one channel: 60000×1×28×28. `unsqueeze(1)` inserts a
# dimension of size 1 as dimension 1. A linear layer needs one row per image: 60000×784. `flatten(1)` merges all
# dimensions from dimension 1 on. Both leave the first dimension, the number of images, alone, and neither copies
# anything here, because the numbers are already in this order in memory. (A layer takes floats, so real MNIST images
# also need `.float() / 255` first.)
#
# (Older code has `x.view(x.size(0), -1)` instead of `x.flatten(1)`; it fails for some memory layouts.)
#
# </details>
#
# ### When the shapes do not fit
#
# A network ends in a linear layer that takes 144 features per image. Today its images are too large: each arrives at
# that layer as 16×6×6 = 576 numbers. One author flattens with `view(-1, 144)`, "rows of 144, however many that makes".
# Another flattens with `flatten(1)`. A third author, with another network, feeds 28×28 images to a layer for 28
# features without flattening them at all.
#
# **Before you run it:** who gets an error? What output shapes do the others get?

# %% predict varies
arrived = torch.zeros(12, 16, 6, 6)


def attempt(compute):
    """The shape that comes out, or the error."""
    try:
        return tuple(compute().shape)
    except RuntimeError as error:
        return error


print("first: ", attempt(lambda: nn.Linear(144, 10)(arrived.view(-1, 144))))
print("second:", attempt(lambda: nn.Linear(144, 10)(arrived.flatten(1))))
print("third: ", attempt(lambda: nn.Linear(28, 10)(torch.zeros(12, 1, 28, 28))))

# %% [markdown]
# <details><summary>Why?</summary>
#
# `view(-1, 144)` silently turns 12 images into 48 rows, each a quarter of an image. `flatten(1)` keeps 12 rows, and the
# layer rejects rows of 576. The third author gets no error either: a linear layer works on the *last* dimension,
# whatever comes before it, so every 28-pixel row of an image is treated as a sample.
#
# Only one of the three programs reports that something is wrong. So flatten with `flatten(1)`, which never changes the
# number of samples, and print shapes as you build.
#
# </details>
#
# ## A network, line by line
#
# This network is modelled on LeNet (LeCun and others, 1998). It sorts 28×28 images into ten classes. It has two
# convolutions, each followed by max pooling and a ReLU, then two linear layers. Remember: a convolution without padding
# and with stride 1 gives height $H - k + 1$; pooling with a window of size $k$ moves in steps of $k$ and gives
# $\lfloor H / k \rfloor$.
#
# **Before you run it:** write down the shape after every line, starting with 12×1×28×28. How many input features does
# `fc1` need?

# %% predict
torch.manual_seed(0)
conv1, conv2 = nn.Conv2d(1, 32, kernel_size=5), nn.Conv2d(32, 64, kernel_size=5)


def report(name, x):
    print(f"{name:12}{'×'.join(map(str, x.shape))}")
    return x


x = report("input", torch.randn(12, 1, 28, 28))
x = report("conv1", conv1(x))
x = report("max pooling", F.max_pool2d(x, kernel_size=3))
x = report("ReLU", F.relu(x))
x = report("conv2", conv2(x))
x = report("max pooling", F.max_pool2d(x, kernel_size=2))
x = report("ReLU", F.relu(x))
x = report("flatten", x.flatten(1))
fc1, fc2 = nn.Linear(x.shape[1], 200), nn.Linear(200, 10)
x = report("fc1", fc1(x))
x = report("ReLU", F.relu(x))
x = report("fc2", fc2(x))

# %% predict folded label="Draw the network"
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
    rows=2,
    alt="The network as two rows of blocks for one image: 1×28×28, conv1 with a 5×5 kernel, 32×24×24, max pooling by 3 and ReLU, 32×8×8, conv2 "
    "with a 5×5 kernel, 64×4×4, max pooling by 2 and ReLU, 64×2×2, flatten, 256, fc1 and ReLU, 200, fc2, 10. The images get smaller and their "
    "channels more numerous, until one vector is left.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# 28 − 5 + 1 = 24, and 24 / 3 = 8. Then 8 − 5 + 1 = 4, and 4 / 2 = 2. With 64 channels, each image has been reduced to
# 64 · 2 · 2 = 256 numbers, so `fc1` is `nn.Linear(256, 200)`.
#
# The last line gives ten **logits** per image, one score per class. No ReLU follows, because a score may be negative.
#
# </details>
#
# ### nn.Sequential
#
# Ten operations, each passing its result to the next: that is exactly what `nn.Sequential` does. It takes modules in
# order and is itself a module. Many functions have a module counterpart: `nn.MaxPool2d(3)` for `F.max_pool2d(x, 3)`,
# `nn.ReLU()` for `F.relu(x)`, `nn.Flatten()` for `x.flatten(1)`.

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
print("modules:", len(lenet))
print("the first:", lenet[0])
print("two of them:", lenet[1:3])

# %% [markdown]
# It works like a list: you can take its `len`, index it, slice it (a slice is again an `nn.Sequential`) and loop over
# its modules.
#
# ### Exercise: Trace the shapes
#
# Write `trace_shapes(net, x)`. `net` is an `nn.Sequential` and `x` a batch that fits it. Return a list of tuples: the
# shape of `x`, then the shape after each module in turn. A net of 3 modules gives 4 entries, an empty net gives one. An
# `nn.Sequential` inside `net` counts as one module. The same module may appear in several places, and counts each time.
# A module's output may depend on the values of its input, so pass on each module's real output, not just zeros of that
# shape.
#
# <details><summary>Hint 1: the input of the second module</summary>
#
# It is the output of the first. So one variable is enough: it gets a new value in every pass through the loop.
#
# </details>
#
# <details><summary>Hint 2: the syntax</summary>
#
# `for module in net:` visits the modules in order. You call a module like a function. `tuple(x.shape)` turns a shape
# into a plain tuple.
#
# </details>


# %% exercise="trace_shapes" difficulty=1 minutes=5
def trace_shapes(net: nn.Sequential, x: torch.Tensor) -> list[tuple[int, ...]]:
    """The shapes of a batch on its way through a net.

    x: a batch, N first. Returns: the shape of x, then the shape after each module.
    """
    ### BEGIN SOLUTION
    shapes = [tuple(x.shape)]
    for module in net:
        x = module(x)
        shapes.append(tuple(x.shape))
    return shapes
    ### END SOLUTION


# %% check="trace_shapes" points=1
# Every module here also accepts the original input, so a loop that never updates x raises no error.
def told(shapes):
    """Shapes as text, so that a message shows all of each; anything but a list of tuples as it is."""
    tuples = isinstance(shapes, list) and all(isinstance(shape, tuple) for shape in shapes)
    return [str(tuple(shape)) for shape in shapes] if tuples else shapes


relu = nn.ReLU()
first = net = nn.Sequential(nn.MaxPool2d(2), relu, nn.MaxPool2d(2), relu, nn.Flatten())
x = torch.zeros(3, 2, 20, 12)
wanted = [(3, 2, 20, 12), (3, 2, 10, 6), (3, 2, 10, 6), (3, 2, 5, 3), (3, 2, 5, 3), (3, 30)]
expect(
    told(trace_shapes(inplace(net), inplace(x))),
    told(wanted),
    "trace_shapes(net, x) for MaxPool2d(2), ReLU, MaxPool2d(2), the same ReLU, Flatten and x of shape (3, 2, 20, 12)",
    mistakes={
        "Every module got the first x: pass each one the output of the module before it.": told(
            [*[(3, 2, 20, 12), (3, 2, 10, 6)] * 2, (3, 2, 20, 12), (3, 480)]
        ),
        "The shape of x itself is missing: it comes first.": told(wanted[1:]),
        "The last shape is missing: record it after the module, not before.": told(wanted[:-1]),
        "The sample dimension is part of the shape.": told([shape[1:] for shape in wanted]),
        "This is only the last shape: collect all of them in a list.": wanted[-1],
        "You return inside the loop: only the first module was used.": told(wanted[:2]),
        "The second ReLU is missing. net.children() and net.modules() visit each module only once: loop over net itself.": told(
            wanted[:4] + wanted[5:]
        ),
        "Each shape is a list here: make it a tuple.": [list(shape) for shape in wanted],
        "The same ReLU counts in both places: a dict with the modules as keys keeps only its last shape.": told(
            wanted[:2] + wanted[3:]
        ),
    },
)
chain = nn.Sequential(nn.Linear(7, 3), nn.Sequential(nn.ReLU(), nn.Linear(3, 5)), nn.Linear(5, 1))
expect(
    told(trace_shapes(inplace(chain), inplace(torch.zeros(4, 6, 7)))),
    told([(4, 6, 7), (4, 6, 3), (4, 6, 5), (4, 6, 1)]),
    "trace_shapes with a Sequential inside, for x of shape (4, 6, 7)",
    mistakes={
        "The Sequential inside is one module: do not go into it.": told(
            [(4, 6, 7), (4, 6, 3), (4, 6, 3), (4, 6, 5), (4, 6, 1)]
        )
    },
)


class Positive(nn.Module):
    """Keeps the samples that begin with a positive number."""

    def forward(self, x):
        return x[x[:, 0] > 0]


def battery(n):
    """Nets and batches with n in their sizes: a title, the net, the batch, the shapes."""
    part, relu = nn.Sequential, nn.ReLU()
    signs = torch.tensor([[1.0], [-1.0]]).repeat(n, 2)
    one, three = part(nn.Linear(7, n)), part(nn.Linear(n, 5), relu, nn.Linear(5, 2))
    deep = part(part(nn.Linear(2, 6)), relu)
    ids = torch.arange(5 * n).reshape(n, 5).t() % 7
    pool, conv = nn.MaxPool2d(2), nn.Conv2d(2, 2, 3, padding=1)
    flip, uneven = nn.Linear(2, 2, bias=False), torch.cat([torch.ones(n, 2), -torch.ones(1, 2)])
    flip.load_state_dict({"weight": -torch.eye(2)})
    return [
        ("an empty nn.Sequential", part(), torch.zeros(2, n), [(2, n)]),
        ("a net with nets of 1, 3 and 0 modules inside", part(one, three, part()), torch.zeros(4, 7), [(4, 7), (4, n), (4, 2), (4, 2)]),
        ("a net in a net in a net", part(three, deep, relu), torch.zeros(1, n), [(1, n), (1, 2), (1, 6), (1, 6)]),
        ("the same net twice", part(deep, nn.Linear(6, 2), deep), torch.zeros(n, 2), [(n, 2), (n, 6), (n, 2), (n, 6)]),
        ("a batch of int64", part(nn.Embedding(7, 3), nn.Flatten()), ids, [(5, n), (5, n, 3), (5, 3 * n)]),
        ("a net in float64", part(nn.Linear(n, 2)).double(), torch.zeros(3, n).double(), [(3, n), (3, 2)]),
        ("nn.Flatten(0)", part(nn.Flatten(0), relu), torch.zeros(2, n, 4), [(2, n, 4), (8 * n,), (8 * n,)]),
        ("a layer that changes the signs, twice", part(flip, flip, Positive()), uneven, [(n + 1, 2)] * 3 + [(n, 2)]),
        ("20 modules", part(*[relu] * 20), torch.zeros(n, 2), [(n, 2)] * 21),
        ("a module that drops samples", part(relu, Positive()), signs, [(2 * n, 2), (2 * n, 2), (n, 2)]),
        ("the same convolution and pooling, twice each", part(conv, pool, conv, pool), torch.zeros(2, 2, 4 * n, 9),
         [(2, 2, 4 * n, 9), (2, 2, 4 * n, 9), (2, 2, 2 * n, 4), (2, 2, 2 * n, 4), (2, 2, n, 2)]),
    ]  # fmt: skip


signs = torch.tensor([[2.0], [-1.0], [3.0]])
expect(
    told(trace_shapes(nn.Sequential(relu, Positive()), signs)),
    told([(3, 1), (3, 1), (2, 1)]),
    "trace_shapes with a module that drops samples",
    mistakes={"Pass on the real output of each module, not zeros of its shape.": told([(3, 1), (3, 1), (0, 1)])},
)
cases = battery(3)
expect(
    {title: told(trace_shapes(inplace(net), inplace(x))) for title, net, x, _ in cases},
    {title: told(shapes) for title, _, _, shapes in cases},
    f"trace_shapes for {len(cases)} other nets",
)
expect(
    [trace_shapes(inplace(first), inplace(torch.zeros(n, 2, 20, 12)))[-1] for n in (3, 1, 8)],
    [(3, 30), (1, 30), (8, 30)],
    "the last shapes of the first net for batches of 3, 1 and 8 samples, one after another",
)
first.append(nn.Linear(30, 4))
expect(
    told(trace_shapes(inplace(first), inplace(x))),
    told([*wanted, (3, 4)]),
    "trace_shapes for the first net with a Linear(30, 4) appended",
)
### BEGIN HIDDEN TESTS
cases = battery(5)
expect(
    {title: told(trace_shapes(inplace(net), inplace(x))) for title, net, x, _ in cases},
    {title: told(shapes) for title, _, _, shapes in cases},
    f"trace_shapes for {len(cases)} other nets",
)
pool = nn.MaxPool2d(2)
net = nn.Sequential(nn.Conv2d(1, 32, 5), pool, nn.Sequential(nn.ReLU(), nn.Conv2d(32, 4, 3)), pool, nn.Flatten())
wanted = [(5, 1, 28, 17), (5, 32, 24, 13), (5, 32, 12, 6), (5, 4, 10, 4), (5, 4, 5, 2), (5, 40)]
expect(
    told(trace_shapes(inplace(net), inplace(torch.zeros(5, 1, 28, 17)))),
    told(wanted),
    "trace_shapes with the same pooling twice",
)
### END HIDDEN TESTS

# %% [markdown]
# ### As many layers as you like
#
# A *multi-layer perceptron* (MLP) is a chain of linear layers with a ReLU between each pair. This one maps 10 inputs to
# 2 outputs, with two hidden layers of 100 and 50 units:

# %%
model = nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 50), nn.ReLU(), nn.Linear(50, 2))
print("523×10 →", "×".join(map(str, model(torch.randn(523, 10)).shape)))
print(", ".join(f"{name} {tuple(parameter.shape)}" for name, parameter in model.named_parameters()))

# %% [markdown]
# The number in a parameter's name is the index of its module. Modules 1 and 3 are the ReLUs, which have no parameters.
#
# ### Exercise: An MLP of any depth
#
# Write `mlp(widths)`. For `[10, 100, 50, 2]` it returns a net like the one above: an `nn.Linear` from each width to the
# next, an `nn.ReLU` between consecutive layers, and **nothing** after the last. All modules are direct children of one
# `nn.Sequential`; their names do not matter. Every call creates new linear layers; a ReLU has no parameters, so the same
# `nn.ReLU` may serve in several places. `widths` has 2 to 100 entries and is left as it was.
#
# <details><summary>Hint 1: a list that grows</summary>
#
# First collect the modules in a Python list, in a loop. `zip(widths, widths[1:])` gives the pairs of neighbouring
# widths.
#
# </details>
#
# <details><summary>Hint 2: no ReLU at the end</summary>
#
# Append a linear layer and a ReLU in each pass, and drop the last ReLU after the loop.
#
# </details>
#
# <details><summary>Hint 3: "list is not a Module subclass"</summary>
#
# `nn.Sequential` takes the modules as separate arguments, not as a list. A star unpacks a list: `f(*[a, b])` is
# `f(a, b)`. If the message names `ReLU` instead: `nn.ReLU` is the class, and `nn.ReLU()` makes a module.
#
# </details>


# %% exercise="mlp" difficulty=2 minutes=8
def mlp(widths: list[int]) -> nn.Sequential:
    """A multi-layer perceptron with ReLUs between its linear layers.

    widths: the numbers of features before the first layer, between the layers and after the last one.
    Returns: a net that maps (N, widths[0]) to (N, widths[-1]).
    """
    ### BEGIN SOLUTION
    modules = []
    for i in range(len(widths) - 1):
        modules += [nn.Linear(widths[i], widths[i + 1]), nn.ReLU()]
    return nn.Sequential(*modules[:-1])
    ### END SOLUTION


# %% check="mlp" points=2
import contextlib
import io

g = torch.Generator().manual_seed(102)


def kinds(net):
    """The class names of a net's modules; those of torch without their package."""
    classes = [module.__class__ for module in net._modules.values()]
    return [f"{'' if c.__module__.startswith('torch.') else 'your own '}{c.__name__}" for c in classes]


def examine(widths, n=7, name_mistakes=False):
    """Check the modules; compare outputs and gradients with those of F.linear on the same numbers."""
    name, given = f"mlp({widths})", list(widths)
    net = mlp(inplace(given))
    used_up = {"You used up the list: pop() removes an entry from it.": given} if len(given) < len(widths) else {}
    expect(given, widths, f"widths is left as it was by {name}", mistakes=used_up)
    if not isinstance(net, nn.Sequential):
        advice = f"It has type {type(net).__name__}: put your modules into an nn.Sequential and return that."
        require(
            False, f"{name} is an nn.Sequential", "Nothing came back: is a `return` missing?" if net is None else advice
        )
    found, layers = kinds(net), len(widths) - 1
    nested = {"It is a Sequential of Sequentials: put all modules into one.": found} if "Sequential" in found else {}
    known = {
        "There is a ReLU after the last layer: logits may be negative.": ["Linear", "ReLU"] * layers,
        "There is no ReLU between the linear layers.": ["Linear"] * layers,
        "The first module is a ReLU: each ReLU belongs after a layer.": ["ReLU", "Linear"] * layers,
        "The last layer is missing: 4 widths make 3 layers.": (["Linear", "ReLU"] * layers)[:-3],
        "There is a layer for each width: one for each pair of neighbouring widths was asked for.": (
            (["Linear", "ReLU"] * (layers + 1))[:-1]
        ),
        "Nothing between the layers is nonlinear: they collapse into one.": (["Linear", "Identity"] * layers)[:-1],
        "There is a softmax at the end: the net returns logits.": [*(["Linear", "ReLU"] * layers)[:-1], "Softmax"],
    } | nested
    wanted = (["Linear", "ReLU"] * layers)[:-1]
    expect(found, wanted, f"the modules of {name}", mistakes=known if name_mistakes else nested)
    pairs = list(zip(widths[1:], widths))
    shapes = [size for d, c in pairs for size in ((d, c), (d,))]
    known = {
        "The layers have no bias.": [str(pair) for pair in pairs],
        "The widths are swapped: nn.Linear(in_features, out_features).": [
            str(size) for d, c in pairs for size in ((c, d), (c,))
        ],
    }
    sizes = [str(tuple(parameter.shape)) for parameter in net.parameters()]
    wanted = [str(size) for size in shapes]
    expect(sizes, wanted, f"the shapes of the parameters of {name}", mistakes=known if name_mistakes else None)

    others = [mlp(list(widths)) for _ in range(3)]
    if any(kinds(other) != found for other in others):
        advice = (
            "The second net still contains the first net's layers: a default such as modules=[] is created only once."
        )
        require(False, f"several calls of {name} make nets of the same length", advice)
    before = [parameter.detach().clone() for other in others for parameter in other.parameters()]
    values = [torch.randn(size, generator=g) / size[-1] ** 0.5 for size in shapes]
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), values):
            parameter.copy_(value)
    after = [parameter for other in others for parameter in other.parameters()]
    if not all(torch.equal(old, new) for old, new in zip(before, after)):
        advice = "Changing the first net also changed a later one: make new layers in every call."
        require(False, f"two calls of {name} make two nets that share no layers", advice)

    leaves = [value.clone().requires_grad_() for value in values]
    x, weight = 8 * torch.randn(n, widths[0], generator=g), torch.randn(n, widths[-1], generator=g)
    wanted = F.linear(x, leaves[0], leaves[1])
    for w, b in zip(leaves[2::2], leaves[3::2]):
        wanted = F.linear(wanted.clamp(min=0), w, b)
    for mode in (False, True):
        answer = net.train(mode)(x)
        expect(answer, wanted, f"the output of {name} for {n} samples", rtol=1e-4, atol=1e-5)
    if not answer.requires_grad:
        require(False, f"autograd follows {name}", "No parameter can be trained: is something frozen?")
    (answer * weight).sum().backward()
    gradients = torch.autograd.grad((wanted * weight).sum(), leaves)
    found = {name: parameter.grad for name, parameter in net.named_parameters()}
    missing = [name for name, gradient in found.items() if gradient is None]
    if missing:
        advice = f"No gradient reaches {', '.join(missing)}: is it frozen?"
        require(False, f"a gradient reaches every parameter of {name}", advice)
    expect(found, dict(zip(found, gradients)), f"the gradients of all parameters of {name}", rtol=1e-3, atol=1e-4)


def battery(many):
    """Examine several nets; print nothing unless one is wrong."""
    with contextlib.redirect_stdout(io.StringIO()):
        for number, widths in enumerate(many):
            examine(widths, n=(5, 1, 40)[number % 3])


examine([10, 100, 50, 2], name_mistakes=True)
many = [[3, 5], [4, 4, 4], [1, 1], [4] * 6, [2, 9, 4, 9, 2, 7], [300, 3, 300], [5, 1, 2, 8], [4, 2, 3] * 6]
battery(many)
require(True, f"the same for the widths {', '.join(map(str, many))}", "")
### BEGIN HIDDEN TESTS
many = [[6, 4, 9, 3, 8], [2, 1], [3] * 5, [7, 8, 8, 7, 8, 8, 1], [1, 1, 1], [2, 5, 3, 4] * 4]
battery(many)
require(True, f"the same for the widths {', '.join(map(str, many))}", "")
### END HIDDEN TESTS

# %% [markdown]
# ## Where the parameters are, and where the work is
#
# `net.parameters()` visits all parameters of a module and of all modules inside it; `net.named_parameters()` gives
# their names as well. PyTorch calls each tensor a parameter: the LeNet-like net has eight, a weight and a bias for each
# of its four layers. But "the number of parameters" of a net usually means how many numbers they hold together.

# %%
for name, parameter in lenet.named_parameters():
    print(f"{name:9}{'×'.join(map(str, parameter.shape))}")

# %% [markdown]
# ### Exercise: Count the parameters
#
# Write `count_parameters(net, trainable_only=False)`. It returns how many numbers a module holds in its parameters, as
# a Python `int`. `net` is any `nn.Module`; its own parameters and those of all modules inside it count. With
# `trainable_only=True`, frozen parameters (whose `requires_grad` is `False`) do not. A parameter that is used in
# several places, or shared by several modules, counts once. Buffers (tensors that are kept but not learned), such as the
# running mean of a batch normalisation layer, are not parameters.
#
# <details><summary>Hint: what to add up</summary>
#
# `parameter.numel()` is the number of elements in one parameter. `sum(... for ... in ...)` adds them up; you can append
# an `if`.
#
# </details>


# %% exercise="count_parameters" difficulty=1 minutes=5
def count_parameters(net: nn.Module, trainable_only: bool = False) -> int:
    """How many numbers a module holds in its parameters.

    trainable_only: leave out frozen parameters. Returns: a Python int.
    """
    ### BEGIN SOLUTION
    return sum(p.numel() for p in net.parameters() if p.requires_grad or not trainable_only)
    ### END SOLUTION


# %% check="count_parameters" points=1
layers = [nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()]
layers += [nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)]
net = nn.Sequential(*layers)
expect(
    count_parameters(inplace(net)),
    105_506,
    "count_parameters of the LeNet-like net",
    mistakes={
        "This is the number of tensors: count the numbers in them.": 8,
        "Only the first dimensions were added up: len(parameter) is not parameter.numel().": 612,
        "Parameters are counted twice: net.parameters() already covers the modules inside.": 211_012,
        "The biases are missing.": 105_200,
        "You return inside the loop: this is only the first weight.": 800,
        "A tensor came back: convert it to a Python int.": torch.tensor(105_506),
        "A NumPy number came back: convert it to a Python int with int(…).": np.int64(105_506),
        "Nothing was counted: is the condition on requires_grad the wrong way round, or are the modules inside missing "
        "(recurse=False leaves them out)?": 0,
    },
)
expect(
    [count_parameters(inplace(layer)) for layer in layers],
    [832, 0, 0, 51_264, 0, 0, 0, 51_400, 0, 2_010],
    "count_parameters of each of its layers",
    mistakes={"A module's own parameters are missing: you only look at the modules inside.": [0] * 10},
)
mixed = nn.Sequential(
    nn.Conv2d(3, 7, (2, 5), bias=False), nn.BatchNorm2d(7), nn.Sequential(nn.Linear(4, 9), nn.Sequential(nn.ReLU()))
)
mixed.register_parameter("scale", nn.Parameter(torch.tensor(2.0)))
expect(
    count_parameters(inplace(mixed)),
    270,
    "count_parameters of a net with a BatchNorm2d, a Sequential inside and its own 0-d parameter",
    mistakes={
        "Buffers are not parameters: the state_dict holds both.": 285,
        "The net's own parameter is missing: you only look at the innermost modules, or at weights and biases.": 269,
        "The Sequential inside is missing: go into every module.": 225,
    },
)
shared, tied = nn.Linear(6, 6), nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6))
tied[1].weight = tied[0].weight
expect(
    [count_parameters(nn.Sequential(shared, nn.ReLU(), shared)), count_parameters(tied)],
    [42, 48],
    "count_parameters of a net that uses one Linear(6, 6) twice, and of a net in which two such layers share a weight",
    mistakes={
        "A parameter that is used in several places counts once.": [84, 84],
        "Two modules may share one parameter: it counts once.": [42, 84],
    },
)
net[0].requires_grad_(False)
expect(
    [count_parameters(inplace(net), trainable_only=True), count_parameters(net)],
    [104_674, 105_506],
    "count_parameters(net, trainable_only=True) and count_parameters(net) with a frozen first layer",
    mistakes={
        "trainable_only has no effect in your function.": [105_506, 105_506],
        "These are only the frozen parameters.": [832, 105_506],
        "Leave out frozen parameters only with trainable_only=True.": [104_674, 104_674],
        "trainable_only works the wrong way round: leave out frozen parameters when it is True.": [105_506, 104_674],
    },
)
net[9] = nn.Linear(200, 11)
expect(
    count_parameters(inplace(net)),
    105_707,
    "count_parameters(net) when its last layer has become an nn.Linear(200, 11)",
)


def battery(a, b):
    """Modules with sizes a and b: a title, the module, all its parameters, those that are not frozen."""
    twins = nn.Sequential(nn.BatchNorm2d(a), nn.BatchNorm2d(a), nn.Sequential(nn.BatchNorm2d(a)))
    half = nn.Sequential(nn.Linear(a, b), nn.ReLU(), nn.Linear(b, 2), nn.Linear(2, 2))
    half[0].bias.requires_grad_(False)
    half[2].weight.requires_grad_(False)
    half[3].requires_grad_(False)
    layer = nn.Linear(a, a)
    twice = nn.Sequential(layer, nn.Sequential(nn.ReLU(), layer), nn.Linear(a, 1))
    twice[2].bias.requires_grad_(False)
    own = nn.Module()
    own.part, own.offset = nn.Sequential(nn.Linear(a, b)), nn.Parameter(torch.zeros(2, 1, b))
    own.mirror = own.part[0].weight
    own.number = nn.Parameter(torch.tensor(1.0), requires_grad=False)
    own.register_parameter("nothing", None)
    long, deep = nn.Sequential(*[nn.Linear(1, 1) for _ in range(a + b)]), nn.Linear(a, b)
    for _ in range(9):
        deep = nn.Sequential(nn.ReLU(), deep)
    pieces = nn.Sequential(nn.Linear(a, b), nn.Linear(b, 1))
    nn.utils.vector_to_parameters(torch.ones(a * b + 2 * b + 1), pieces.parameters())
    held = nn.ModuleDict(
        {"x": nn.ModuleList([nn.Embedding(a, b)]), "y": nn.ParameterList([torch.ones(b), torch.ones(b)])}
    )
    return [
        ("three equal BatchNorm2d", twins, 6 * a, 6 * a),
        ("some frozen parameters in each layer", half, a * b + 3 * b + 8, a * b + 2),
        ("a layer in two places, a frozen bias", twice, a * a + 2 * a + 1, a * a + 2 * a),
        ("its own parameters, one of them also a layer's weight", own, a * b + 3 * b + 1, a * b + 3 * b),
        (f"{a + b} layers", long, 2 * (a + b), 2 * (a + b)),
        ("a layer inside nine modules", deep, a * b + b, a * b + b),
        ("a ModuleDict with a ModuleList and a ParameterList", held, a * b + 2 * b, a * b + 2 * b),
        ("parameters that are pieces of one vector in memory", pieces, a * b + 2 * b + 1, a * b + 2 * b + 1),
        ("an nn.Dropout", nn.Dropout(), 0, 0),
        ("a layer with a single parameter", nn.PReLU(), 1, 1),
    ]  # fmt: skip


def examine(cases):
    """Count in all modules, then again with frozen and trainable parameters swapped."""
    for only in (False, True):
        for again in (False, True):
            if again:
                for _, net, _, _ in cases:
                    for parameter in net.parameters():
                        parameter.requires_grad_(not parameter.requires_grad)
            expect(
                {title: count_parameters(inplace(net), only) for title, net, _, _ in cases},
                {
                    title: (total - trained if again else trained) if only else total
                    for title, _, total, trained in cases
                },
                f"count_parameters(net, {only}) for {len(cases)} other nets"
                + ", with frozen and trainable parameters swapped" * again,
            )
        for _, net, _, _ in cases:
            for parameter in net.parameters():
                parameter.requires_grad_(not parameter.requires_grad)


examine(battery(5, 7))
large = nn.ParameterList([torch.zeros(1).expand(4011, 4201)])
expect(count_parameters(inplace(large)), 16_850_211, "count_parameters of one parameter with millions of numbers")
### BEGIN HIDDEN TESTS
examine(battery(9, 4))
large = nn.ParameterList([torch.zeros(1).expand(4201, 4021)])
expect(count_parameters(inplace(large)), 16_892_221, "count_parameters of one parameter with millions of numbers")
inner = nn.Sequential(nn.Linear(8, 3, bias=False), nn.BatchNorm1d(3))
net = nn.Sequential(inner, nn.Sequential(nn.Linear(3, 8), inner), nn.Embedding(10, 2))
net[1][0].weight.requires_grad_(False)
net.register_parameter("offset", nn.Parameter(torch.zeros(2, 1, 4), requires_grad=False))
expect(
    count_parameters(inplace(net)), 24 + 6 + 24 + 8 + 20 + 8, "count_parameters of a net with shared and frozen parts"
)
expect(
    count_parameters(inplace(net), trainable_only=True),
    24 + 6 + 8 + 20,
    "count_parameters(net, trainable_only=True) for a net with shared and frozen parts",
)
### END HIDDEN TESTS

# %% [markdown]
# ### Counting products
#
# How much work is the forward pass for one image? Count the products, the multiplications of a weight by a value. Each
# output of a layer is one weighted sum:
#
# $$\text{products} = \text{number of outputs} \times \text{weights in one sum}.$$
#
# - `nn.Linear(C, D)`: $D$ outputs, $C$ products each.
# - `nn.Conv2d(C, D, k)`: $D \cdot H' \cdot W'$ outputs, $C \cdot k^2$ products each.
#
# A bias is added, not multiplied, so it costs no product. Max pooling and ReLU only compare: no products either.
#
# ### Exercise: Count the products
#
# Write `count_products(net, shape)`. It returns a list with one Python `int` per module of `net`: the number of
# products for **one** sample.
#
# - `net` is an `nn.Sequential` of `nn.Conv2d` and `nn.Linear`, some of them perhaps frozen, and of `nn.ReLU`,
#   `nn.MaxPool2d` and `nn.Flatten()`, which have no products: their entry is 0. There are no other modules. The same
#   module may appear in several places.
# - `shape` is the shape of one sample, without the sample dimension: `(1, 28, 28)` for images, `(13,)` for a net of
#   linear layers. A linear layer always receives one vector per sample ($N \times C$).
# - Convolutions and pooling may have any kernel size, padding and stride, each a number or a pair (the padding is never a
#   string such as `"same"`). Convolutions may also have dilation, `groups` (the weight then has shape
#   `(D, C / groups, kH, kW)`) or no bias; pooling has no other options. Products with the zeros of the padding count, too.
#
# <details><summary>Hint 1: the number of outputs</summary>
#
# Let the net tell you: send a batch of one sample (zeros will do) through the modules one by one, as in `trace_shapes`.
# The output's `numel()` is the number of outputs.
#
# </details>
#
# <details><summary>Hint 2: the weights in one sum</summary>
#
# The first dimension of a weight is the output feature or channel. All the other dimensions together hold the weights
# of one output, in a linear layer as in a convolution, whatever the groups.
#
# </details>
#
# <details><summary>Hint 3: modules without a weight</summary>
#
# `isinstance(module, (nn.Conv2d, nn.Linear))` tells them apart.
#
# </details>


# %% exercise="count_products" difficulty=3 minutes=14
def count_products(net: nn.Sequential, shape: tuple[int, ...]) -> list[int]:
    """The number of products of each module in the forward pass for one sample.

    shape: the shape of one sample, without the sample dimension. Returns: one Python int per module.
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
        "A bias is added, not multiplied: it costs no product.": column(479_232, 820_224, 51_400, 2_010),
        "These are the numbers of weights: a kernel reuses each one at every output position.": column(800, 51_200),
        "These are the numbers of parameters.": column(832, 51_264, 51_400, 2_010),
        "Count the positions of the output (24×24), not those of the input.": column(627_200, 3_276_800),
        "A kernel spans all input channels: 32·5·5 products for each output of conv2.": column(460_800, 25_600),
        "The output channels are missing: each has its own kernel.": column(14_400, 12_800),
        "Max pooling and ReLU only compare, and flattening only reshapes: their entries are 0.": [
            *[460_800, 2_048, 2_048],
            *[819_200, 256, 256, 256],
            *[51_200, 200, 2_000],
        ],
        "These are the numbers of outputs: each output is a sum of several products.": column(18_432, 1_024, 200, 10),
        "These are the numbers of inputs: count the products of each output.": column(784, 2_048, 256, 200),
        "Multiply by the number of outputs, not of inputs.": column(19_600, 1_638_400, 65_536, 40_000),
        "Each entry is a tensor: make it a Python int.": [torch.tensor(n) for n in column(460_800, 819_200)],
        "Each output uses only its own part of the weight, not all of it.": column(
            14_745_600, 52_428_800, 10_240_000, 20_000
        ),
        "These are the products for two samples: send in one.": column(921_600, 1_638_400, 102_400, 4_000),
        "Only the modules with products are listed: write 0 for the others.": [460_800, 819_200, 51_200, 2_000],
        "This is the sum: return one number per module.": 1_333_200,
        "These are running totals: count each module separately.": [
            *[460_800] * 3,
            *[1_280_000] * 4,
            *[1_331_200] * 2,
            1_333_200,
        ],
    },
)
net = nn.Sequential(nn.Conv2d(3, 8, (2, 5), stride=(3, 2), padding=(2, 1)), nn.Flatten(), nn.Linear(160, 4))
expect(
    count_products(net, (3, 8, 11)),
    [4_800, 0, 640],
    "count_products with a kernel of 2×5, stride (3, 2) and padding (2, 1), for images of 3×8×11",
    mistakes={
        "Padding makes the image larger: it affects the size of the output.": [2_880, 0, 640],
        "The stride affects the size of the output: use it.": [23_760, 0, 640],
        "Stride and padding affect the size of the output: use both.": [11_760, 0, 640],
        "The kernel is not square: multiply its height by its width.": [1_920, 0, 640],
        "The first number of each pair was used for both directions.": [3_840, 0, 640],
    },
)
conv, relu = nn.Conv2d(6, 6, (3, 2), dilation=(2, 1), padding=(2, 0), groups=3, bias=False), nn.ReLU()
net = nn.Sequential(relu, conv, relu, conv, relu, nn.Conv2d(6, 10, 1, groups=2))
expect(
    count_products(net, (6, 8, 5)),
    [0, 2_304, 0, 1_728, 0, 720],
    "count_products with groups, dilation, no bias, and one convolution in two places, for images of 6×8×5",
    mistakes={
        "With groups, each kernel sees only C / groups channels.": [0, 6_912, 0, 5_184, 0, 1_440],
        "The size of the output depends on the dilation, too.": [0, 2_880, 0, 2_160, 0, 720],
        "The dilation makes the kernel larger, 1 + (k − 1)·d, and so the output smaller.": [
            0,
            2_880,
            0,
            2_592,
            0,
            1_080,
        ],
        "A repeated module is missing: net.children() visits each once. Loop over net itself.": [
            0,
            2_304,
            960,
        ],
        "A module that occurs twice does its work twice, on inputs of different sizes.": [0, 1_728, 0, 1_728, 0, 720],
    },
)
net[5] = nn.Conv2d(6, 7, 1)
expect(
    count_products(net, (6, 8, 5)),
    [0, 2_304, 0, 1_728, 0, 1_008],
    "the same with another last convolution, nn.Conv2d(6, 7, 1)",
)


def battery(k):
    """Nets with k channels: a title, the net, the shape of one sample, the products."""
    seq, flat, relu = nn.Sequential, nn.Flatten(), nn.ReLU()
    conv, pool, fc, bare = nn.Conv2d(k, k, 3), nn.MaxPool2d((1, 2)), nn.Linear(13, 13), nn.Linear(13, k, bias=False)
    uneven = nn.Conv2d(1, k, (2, 3), stride=2, padding=(1, 0), dilation=(2, 1))
    mixed = nn.MaxPool2d(3, stride=1, padding=1), nn.MaxPool2d((2, 3), stride=1), nn.MaxPool2d(3, stride=(2, 1))
    frozen = nn.Conv2d(k, 2 * k, 3, groups=k).requires_grad_(False)
    size, pairs = nn.MaxPool2d(3, stride=2, padding=1), nn.MaxPool2d((3, 5), stride=(2, 3), padding=(1, 2))
    return [
        ("no module at all", seq(), (1, 5, 5), []),
        ("linear layers and samples of 13 numbers", seq(fc, relu, fc, bare), (13,), [169, 0, 169, 13 * k]),
        ("pooling by (1, 2)", seq(pool, nn.Conv2d(1, k, (1, 4)), pool), (1, 6, 19), [0, 6 * 6 * 4 * k, 0]),
        ("pooling by 3 with stride 2 and padding 1", seq(size, nn.Conv2d(2, k, 2)), (2, 8, 11), [0, 3 * 5 * 8 * k]),
        ("pooling by pairs", seq(pairs, nn.Conv2d(2, k, 2)), (2, 10, 17), [0, 4 * 5 * 8 * k]),
        ("pooling with stride 1", seq(*mixed, nn.Conv2d(2, k, 2)), (2, 32, 41), [0, 0, 0, 14 * 36 * 8 * k]),
        ("k groups of two channels", seq(nn.Conv2d(2 * k, k, 2, groups=k)), (2 * k, 3, 5), [2 * 4 * 8 * k]),
        ("stride, padding and dilation at once", seq(uneven, flat), (1, 8, 10), [4 * 4 * 6 * k, 0]),
        ("a stride that leaves a remainder", seq(nn.Conv2d(2, k, 3, stride=3)), (2, 10, 11), [3 * 3 * 18 * k]),
        ("one kernel per channel (groups = C), frozen", seq(frozen), (k, 5, 6), [3 * 4 * 18 * k]),
        ("one convolution in two places", seq(conv, conv), (k, 7, 6), [20 * 9 * k * k, 6 * 9 * k * k]),
        ("the same convolution on larger images", seq(conv), (k, 9, 12), [70 * 9 * k * k]),
        ("millions of products", seq(nn.Conv2d(k, 63, (5, 7)), flat), (k, 95, 91), [91 * 85 * 35 * 63 * k, 0]),
        ("tall images", seq(nn.Conv2d(1, k, (5, 1)), relu), (1, 31, 2), [27 * 2 * 5 * k, 0]),
    ]  # fmt: skip


cases = battery(4)
expect(
    {title: count_products(net, shape) for title, net, shape, _ in cases},
    {title: products for title, _, _, products in cases},
    f"count_products for {len(cases)} other nets",
)
### BEGIN HIDDEN TESTS
cases = battery(6)
expect(
    {title: count_products(net, shape) for title, net, shape, _ in cases},
    {title: products for title, _, _, products in cases},
    f"count_products for {len(cases)} other nets",
)
net = nn.Sequential(nn.ReLU(), nn.Conv2d(6, 9, 3, groups=3, bias=False), nn.ReLU(), nn.Conv2d(9, 2, 1, dilation=2))
expect(count_products(net, (6, 9, 4)), [0, 2268, 0, 252], "count_products with groups=3, for images of 6×9×4")
### END HIDDEN TESTS

# %% [markdown]
# ### The whole table
#
# Now apply your two functions to the LeNet-like net.
#
# **Before you run it:** which of `conv1`, `conv2`, `fc1` and `fc2` hold nearly all of the 105,506 parameters? Which
# account for nearly all of the products?

# %% folded label="Stand-ins for functions that you have not solved yet"
from torch.utils.flop_counter import FlopCounterMode


def vector_length(net):
    """Count parameters by joining them into one long vector."""
    return len(nn.utils.parameters_to_vector(net.parameters())) if list(net.parameters()) else 0


def half_of_flops(net, shape):
    """Count products with PyTorch's own counter, which counts a multiplication and an addition for each."""
    found = []
    for i in range(len(net)):
        x = net[:i](torch.zeros(1, *shape))
        with FlopCounterMode(display=False) as counter:
            net[i](x)
        found.append(counter.get_total_flops() // 2)
    return found


# %% yours
count = yours_or_ours(count_parameters, vector_length, lenet)
parameters = [count(module) for module in lenet]
products = yours_or_ours(count_products, half_of_flops, lenet, (1, 28, 28))(lenet, (1, 28, 28))

print(f"{'module':12}{'parameters':>12}{'products':>12}")
for module, held, computed in zip(lenet, parameters, products):
    print(f"{type(module).__name__:12}{held:>12,}{computed:>12,}")
print(f"{'total':12}{sum(parameters):>12,}{sum(products):>12,}")

# PyTorch has its own counter. It also counts an addition for each multiplication.
with FlopCounterMode(display=False) as counter:
    lenet(torch.zeros(1, 1, 28, 28))
print(f"PyTorch counts {counter.get_total_flops():,} / 2 = {counter.get_total_flops() // 2:,} products")

# %% yours folded label="Draw both columns"
layers = ["conv1", "conv2", "fc1", "fc2"]
figure, axes = plot_axes(7.4, 2.7, columns=2)
for ax, counts, name, colour in [
    (axes[0], parameters, "parameters", COLOURS["learned"]),
    (axes[1], products, "products for one image", COLOURS["plain"]),
]:
    counts = [counts[i] for i in (0, 3, 7, 9)]
    bars = ax.barh(layers, counts, color=colour, edgecolor=INK, linewidth=0.6)
    total = sum(counts) or 1
    ax.bar_label(bars, [f"{count:,}  ({count / total:.1%})" for count in counts], padding=4, fontsize=9)
    ax.set(title=f"{name}: {sum(counts):,}", xlim=(0, 1.75 * max([*counts, 1])), xticks=[])
    ax.spines["bottom"].set_visible(False)
    ax.grid(False)
    ax.invert_yaxis()
show(
    figure,
    alt="Two bar charts over the layers conv1, conv2, fc1, fc2. Left, parameters: 832, 51,264, 51,400 and 2,010, so about half of them are in the "
    "linear layers and nearly all the others in conv2. Right, products: 460,800, 819,200, 51,200 and 2,000: 96 percent are in the two convolutions.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `conv2` and `fc1` hold nearly all the parameters, about half each. But the convolutions do 96 % of the work, and
# `conv1` alone does a third of it with less than 1 % of the parameters. By hand:
#
# | | parameters | products |
# |---|---|---|
# | `conv1` | $32 \cdot (5^2 + 1) = 832$ | $32 \cdot 24^2 \cdot 5^2 = 460{,}800$ |
# | `conv2` | $64 \cdot (32 \cdot 5^2 + 1) = 51{,}264$ | $64 \cdot 4^2 \cdot 32 \cdot 5^2 = 819{,}200$ |
# | `fc1` | $200 \cdot (256 + 1) = 51{,}400$ | $200 \cdot 256 = 51{,}200$ |
# | `fc2` | $10 \cdot (200 + 1) = 2{,}010$ | $10 \cdot 200 = 2{,}000$ |
#
# A convolution **reuses its weights**: `conv1` uses each weight at all 24 · 24 = 576 positions of its output, while a
# linear layer uses each weight once per sample. So if you want a *faster* network, look at the convolutions; if you want a
# *smaller* one, look at `fc1` and `conv2`.
#
# </details>
#
# ## Your own class
#
# `nn.Sequential` is a chain. If the data does not follow a single chain (two paths, a loop, an `if`), you need your own
# class. It has two methods:
#
# - `__init__` creates the parts that have parameters and stores them as attributes. Its first line is
#   `super().__init__()`.
# - `forward` computes the output from the input. You can use any Python code here, and functions from `F` need no
#   module.


# %%
class TwoLayers(nn.Module):
    """Linear, ReLU, linear."""

    def __init__(self, in_features, hidden, out_features):
        super().__init__()  # always first
        self.fc1 = nn.Linear(in_features, hidden)
        self.fc2 = nn.Linear(hidden, out_features)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


net = TwoLayers(10, 100, 2)
print(net)
print("523×10 →", "×".join(map(str, net(torch.randn(523, 10)).shape)))
print([name for name, _ in net.named_parameters()])

# %% [markdown]
# The base class `nn.Module` does the rest. `self.fc1 = …` registers the layer, and that is all you need for
# `parameters()`, `print` and much more to work.
#
# `super().__init__()` sets up the registries. Without it, the first layer cannot be registered:


# %%
class Forgetful(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(10, 2)


try:
    Forgetful()
except AttributeError as error:
    print(error)

# %% [markdown]
# ### net(x) or net.forward(x)?
#
# You write `forward`, but you call `net(x)`. Is there a difference? Here we attach a *forward hook* to the module: a
# function that is handed the module's output. Ours prints the shape of the output.
#
# **Before you run it:** how many lines does this print?

# %% predict
handle = net.register_forward_hook(lambda module, args, output: print("the hook sees", tuple(output.shape)))
x = torch.randn(3, 10)
print("the same result:", torch.equal(net(x), net.forward(x)))
handle.remove()

# %% [markdown]
# <details><summary>Why?</summary>
#
# Two lines: the hook ran once. The call `net(x)` runs the hooks and `forward`; `net.forward(x)` gives the same result
# but skips the hooks, so tools that rely on them silently do nothing. So call the module, never its `forward`.
#
# </details>
#
# ### One layer, used twice
#
# In `forward` you may call the same layer as often as you like. This is called **weight sharing**.
#
# **Before you run it:** how many learnable numbers are there? And is the weight's gradient that of the first use, that
# of the second use, or the sum of both?


# %% predict
class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(8, 8, bias=False)

    def forward(self, x):
        return self.fc(F.relu(self.fc(x)))


net, x = Twice(), torch.randn(5, 8)
print("learnable numbers:", sum(parameter.numel() for parameter in net.parameters()))
net(x).sum().backward()

# The same computation with two separate weights, which happen to be equal
a, b = (net.fc.weight.detach().clone().requires_grad_() for _ in range(2))
F.linear(F.relu(F.linear(x, a)), b).sum().backward()
for name, value in {
    "that of the first use": a.grad,
    "that of the second use": b.grad,
    "the sum of both": a.grad + b.grad,
}.items():
    print(f"the gradient is {name}:", torch.allclose(net.fc.weight.grad, value))

# %% [markdown]
# <details><summary>Why?</summary>
#
# There is one layer, so there are 64 numbers, however often it is used. The weight affects the output along two paths,
# and autograd adds up the gradients of all paths. (A convolution shares weights in just this way: it uses the same
# kernel at every position.)
#
# </details>
#
# ### Exercise: A net for images of any size
#
# We worked out the `256` in the net above by hand, for 28×28 images. Write a class that works it out itself:
# `LeNet(channels=1, size=(28, 28), classes=10)`.
#
# - Its layers are `conv1` (5×5, 32 output channels), `conv2` (5×5, 64 output channels), `fc1` (200 outputs) and `fc2`
#   (`classes` outputs), all with a bias. `fc1` takes as many features as are left of an image of `size` (height,
#   width) after both poolings. All parameters exist as soon as the net is created.
# - `forward` takes float32 images of shape $N \times$ `channels` $\times H \times W$, in any memory layout, and returns the
#   logits, $N \times$ `classes`: max pooling with a window of 3 and a ReLU after `conv1`, max pooling with a window of 2
#   and a ReLU after `conv2`, a ReLU after `fc1`, nothing after `fc2`. (Max pooling before or after the ReLU gives the
#   same result.)
# - Images that give more or fewer features than `fc1` takes must raise an error, in training mode and in evaluation
#   mode (see *Two modes: train() and eval()* below). The output must never have more or fewer rows than there are images.
#   (Images of another size that give the same number of features may be accepted.)
# - Gradients reach all parameters and the images, in both modes. The images are left as they were.
#
# <details><summary>Hint 1: what goes where?</summary>
#
# Four layers have parameters: create them in `__init__`. Pooling, ReLU and flattening have none: functions in `forward`
# will do.
#
# </details>
#
# <details><summary>Hint 2: how many features?</summary>
#
# Follow one side of the image through `conv1`, pooling by 3, `conv2`, pooling by 2: each step is `side - 4` or
# `side // k`. Do this for the height and for the width. Or send a single image of zeros through the convolutions and
# poolings in `__init__`, and look at the shape that comes out.
#
# </details>
#
# <details><summary>Hint 3: images of another size</summary>
#
# See *When the shapes do not fit*: which way of flattening never changes the number of rows?
#
# </details>


# %% exercise="lenet" difficulty=2 minutes=12
class LeNet(nn.Module):
    """A convolutional network for images of a given size.

    Args:
        channels: the number of channels of the images.
        size: the height and width of the images.
        classes: the number of logits.
    """

    def __init__(self, channels: int = 1, size: tuple[int, int] = (28, 28), classes: int = 10):
        ### BEGIN SOLUTION
        super().__init__()
        height, width = (((side - 4) // 3 - 4) // 2 for side in size)
        self.conv1 = nn.Conv2d(channels, 32, kernel_size=5)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5)
        self.fc1 = nn.Linear(64 * height * width, 200)
        self.fc2 = nn.Linear(200, classes)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, channels, *size). Returns: (N, classes)."""
        ### BEGIN SOLUTION
        x = F.relu(F.max_pool2d(self.conv1(x), kernel_size=3))
        x = F.relu(F.max_pool2d(self.conv2(x), kernel_size=2))
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)
        ### END SOLUTION


# %% check="lenet" points=2
import contextlib
import io

g = torch.Generator().manual_seed(105)


def examine(channels, size, features, classes, n, slips=None, net=None):
    """Compare parameters, outputs and gradients of a net with those of functions that use the same numbers.

    slips: what a mistake in the number of features is, and the number that it leads to.
    """
    net = LeNet(channels, size, classes) if net is None else net
    name = f"LeNet({channels}, {size}, {classes})"
    parts = [("conv1", (32, channels, 5, 5)), ("conv2", (64, 32, 5, 5))]
    parts += [("fc1", (200, features)), ("fc2", (classes, 200))]
    shapes = {f"{part}.{kind}": s for part, (d, *rest) in parts for kind, s in [("weight", (d, *rest)), ("bias", (d,))]}
    found = dict(net.named_parameters())
    if any(isinstance(parameter, nn.parameter.UninitializedParameter) for parameter in found.values()):
        advice = "A lazy layer has none before its first call: work out the number of features in __init__."
        require(False, f"all parameters exist as soon as {name} is created", advice)

    def told(shapes):
        return {part: str(tuple(shape)) for part, shape in shapes.items()}

    expect(
        told({part: parameter.shape for part, parameter in found.items()}),
        told(shapes),
        f"names and shapes of the parameters of {name}",
        mistakes={
            "No layer is registered: assign each to an attribute of self in __init__.": {},
            "The biases are missing.": told({part: shape for part, shape in shapes.items() if "weight" in part}),
            "fc1 takes 256 features whatever the size: work out the number.": told(shapes | {"fc1.weight": (200, 256)}),
            "The argument classes is not used.": told(shapes | {"fc2.weight": (10, 200), "fc2.bias": (10,)}),
            "The argument channels is not used.": told(shapes | {"conv1.weight": (32, 1, 5, 5)}),
        }
        | {text: told(shapes | {"fc1.weight": (200, number)}) for text, number in (slips or {}).items()},
    )
    parts = dict(net.named_modules())
    kinds = {"conv1": "Conv2d", "conv2": "Conv2d", "fc1": "Linear", "fc2": "Linear"}
    actual = {part: parts[part].__class__.__name__ for part in kinds}
    if actual["fc1"] == "LazyLinear":
        actual["fc1"] = "Linear"
    expect(actual, kinds, f"the layers of {name}")
    p = {part: torch.randn(shape, generator=g) / math.prod(shape[1:]) ** 0.5 for part, shape in shapes.items()}
    p |= {part: value / 4 for part, value in p.items() if "bias" in part}
    with torch.no_grad():
        for part, value in p.items():
            found[part].copy_(value)
    leaves = [value.clone().requires_grad_() for value in p.values()]
    x, weight = 8 * torch.randn(n, channels, *size, generator=g), torch.randn(n, classes, generator=g)
    if n % 2:  # the same values, every second column of a larger tensor
        x = x.repeat_interleave(2, dim=3)[..., ::2]
    else:
        x = x.contiguous(memory_format=torch.channels_last)
    x, before = x.requires_grad_(), x.detach().clone()

    def wanted(first=3, second=2, after_conv1=F.relu, after_conv2=F.relu, after_fc1=F.relu, pool=F.max_pool2d, pad=0):
        h = after_conv1(pool(F.conv2d(x, *leaves[:2], padding=pad), first))
        h = after_conv2(pool(F.conv2d(h, *leaves[2:4]), second)).flatten(1)
        fits = h.shape[1] == features
        return F.linear(after_fc1(F.linear(h, *leaves[4:6])), *leaves[6:]) if fits else None

    def nothing(h):
        return h

    s, known = wanted(), {}
    if (channels, classes) in ((1, 10), (3, 7)):
        swapped, padded = wanted(2, 3), wanted(pad=2)
        known = {
            "The ReLU after fc1 is missing.": wanted(after_fc1=nothing),
            "The ReLU after conv1 is missing.": wanted(after_conv1=nothing),
            "The ReLU after conv2 is missing.": wanted(after_conv2=nothing),
            "The ReLUs after both convolutions are missing.": wanted(after_conv1=nothing, after_conv2=nothing),
            "There is no ReLU at all.": wanted(after_conv1=nothing, after_conv2=nothing, after_fc1=nothing),
            "There is a ReLU after fc2: logits may be negative.": F.relu(s),
            "There is a softmax after fc2: the net returns logits.": s.softmax(1),
            "These are the means of the windows: max pooling was asked for.": wanted(pool=F.avg_pool2d),
        } | ({} if swapped is None else {"The pooling windows are swapped: 3 comes first, then 2.": swapped})
        known |= {} if padded is None else {"conv1 has no padding.": padded}
    for mode in (" after net.eval()", ""):
        net.train(not mode)
        answer = net(inplace(x))
        expect(x.detach(), before, f"{name}(x) leaves x as it was")
        expect(
            answer,
            s,
            f"{name}(x) for x of shape {tuple(x.shape)}{mode}",
            mistakes=known,
            rtol=1e-3,
            atol=1e-4,
        )
        if not (answer.requires_grad and net(x.detach()).requires_grad):
            advice = "Is something frozen, recorded only in training mode, or recorded only if x needs a gradient?"
            require(False, f"autograd follows {name}{mode}", advice)
    (answer * weight).sum().backward()
    actual = {part: parameter.grad for part, parameter in net.named_parameters()} | {"x": x.grad}
    gradients = torch.autograd.grad((s * weight).sum(), [*leaves, x])
    missing = [part for part, gradient in actual.items() if gradient is None]
    if missing:
        advice = f"No gradient reaches {', '.join(missing)}."
        require(False, f"a gradient reaches all eight parameters of {name} and x", advice)
    wanted_gradients = dict(zip([*shapes, "x"], gradients))
    expect(actual, wanted_gradients, f"the gradients of all parameters and of x in {name}", rtol=1e-2, atol=1e-3)
    return net


def reaction(net, n, *size):
    """The shape that the net returns for n images, or that it raises an error."""
    try:
        return f"{tuple(net(torch.ones(n, *size)).shape)}"
    except Exception:
        return "an error"


def battery(cases):
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            examine(*case)


net = examine(1, (28, 28), 256, 10, 12, net=LeNet())
sizes = {"too large, 40×40": (1, 40, 40), "too small, 22×31": (1, 22, 31), "too small, 22×22": (1, 22, 22)}
sizes["too tall, 34×28"] = (1, 34, 28)
for mode in ("", " after net.eval()"):
    net.train(not mode)
    expect(
        {title: reaction(net, 12, *size) for title, size in sizes.items()},
        dict.fromkeys(sizes, "an error"),
        "LeNet()(x) raises an error for 12 images that are " + ", or ".join(sizes) + mode,
        mistakes={
            "Flatten each image separately: view(-1, …) changes the number of rows.": dict(
                zip(sizes, ["(48, 10)", "(6, 10)", "(3, 10)", "(18, 10)"])
            )
        },
    )
both = "Height and width differ: you used the {} for both."
net = examine(3, (40, 52), 1536, 7, 1, {both.format("height"): 1024, both.format("width"): 2304})
sizes = {"28×28": (3, 28, 28), "34×28": (3, 34, 28), "76×52": (3, 76, 52)}
expect(
    {title: reaction(net, 12, *size) for title, size in sizes.items()},
    dict.fromkeys(sizes, "an error"),
    "LeNet(3, (40, 52), 7)(x) raises an error for 12 images of another size",
)
slips = {"Round down after each pooling, with //, not once at the end.": 725}
cases = [
    (5, (33, 40), 512, 3, 2, slips),
    (1, (52, 39), 1152, 10, 3),
    (2, (22, 31), 128, 1, 1),
    (1, (41, 28), 512, 4, 5),
]
battery(cases)
require(True, "the same for " + ", ".join(f"LeNet({c}, {size}, {classes})" for c, size, _, classes, *_ in cases), "")
### BEGIN HIDDEN TESTS
cases = [(2, (55, 22), 384, 4, 5), (1, (22, 31), 128, 10, 1), (4, (45, 33), 512, 6, 3), (6, (28, 64), 1024, 2, 2)]
battery(cases)
require(True, "other sizes, channels and classes", "")
net = LeNet(2, (55, 22), 4)
sizes = {"100×22": (2, 100, 22), "22×22": (2, 22, 22), "28×28": (2, 28, 28), "55×40": (2, 55, 40)}
expect(
    {title: reaction(net, 6, *size) for title, size in sizes.items()},
    dict.fromkeys(sizes, "an error"),
    "LeNet(2, (55, 22), 4)(x) raises an error for 6 images of another size",
)
### END HIDDEN TESTS

# %% [markdown]
# ## What parameters() sees
#
# An optimizer changes the parameters that `net.parameters()` gives it, and nothing else. Here are two modules with the
# same three parts:


# %%
class InList(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 32, kernel_size=5)
        self.param = nn.Parameter(torch.zeros(123, 456))
        self.other_stuff = [nn.Linear(543, 21)]


class InModuleList(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 32, kernel_size=5)
        self.param = nn.Parameter(torch.zeros(123, 456))
        self.other_stuff = nn.ModuleList([nn.Linear(543, 21)])


# %% [markdown]
# **Before you run it:** how many parameters are listed for each? And what are those of the linear layer called?

# %% predict
for net in InList(), InModuleList():
    print(type(net).__name__)
    for name, parameter in net.named_parameters():
        print(f"    {name:21}", "×".join(map(str, parameter.shape)))


# %% predict folded label="Draw both modules as trees"
def tree(ax, title, rows):
    """Draw a tree of names. rows: (depth, name, shape or kind, role); a role is learned, plain or loss (not seen)."""
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
figure, axes = plt.subplots(1, 2, figsize=(7.0, 3.4), layout="constrained")
lost = [
    (1, "other_stuff", "list", "loss"),
    (2, "weight", "21×543, not seen", "loss"),
    (2, "bias", "21, not seen", "loss"),
]
tree(axes[0], "InList: 3 parameters seen", [(0, "InList", "Module", "plain"), *top, *lost])
seen = [(1, "other_stuff", "ModuleList", "plain"), (2, "0.weight", "21×543", "learned"), (2, "0.bias", "21", "learned")]
tree(axes[1], "InModuleList: 5 parameters seen", [(0, "InModuleList", "Module", "plain"), *top, *seen])
show(
    figure,
    alt="Two trees of what parameters() sees. Left, InList: param of 123×456 and conv with weight 32×1×5×5 and bias 32 are filled orange; other_stuff, a list, and "
    "below it weight 21×543 and bias 21 are dashed in red, not seen. Right, InModuleList: other_stuff is a ModuleList, and its 0.weight and 0.bias are "
    "orange like the rest. Three parameters are seen on the left, five on the right.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Three and five. `nn.Module` looks at each attribute when it is assigned. A list is neither a module nor a parameter,
# and `nn.Module` does not look inside, so the linear layer is missed. The same goes for a dict or a tuple, and for a
# list of parameters. `nn.ModuleList` is a list that is also a module: its entries are named `0`, `1`, …, so the weight
# is `other_stuff.0.weight`. (A module's own parameters come first, then those of its parts.)
#
# </details>
#
# ### Does the net still learn?
#
# Below, two nets learn the same 8×8 digits (pixel values from 0 to 16) from the same initial values. One keeps its two
# hidden layers in a list, the other in an `nn.ModuleList`. To save a net you save its `state_dict()`, a dict of tensors
# by name. (`F.cross_entropy(logits, labels)` is the usual loss for classification: it is small when the logit of the
# right class is by far the largest. The optimizer Adam, from `02_gradients_and_optimizers`, adapts the step for each number
# with running means of its gradients.)
#
# **Before you run it:** will the loss of the first net fall at all? How many tensors does each `state_dict` hold?

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
    curves[container.__name__] = losses = []
    for _ in range(100):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    print(
        f"{container.__name__:11} loss {losses[0]:.2f} → {losses[-1]:.2f}   state_dict: {len(net.state_dict())} tensors"
    )

# %% predict varies folded label="Draw both losses"
figure, ax = plot_axes(6.4, 3.0)
ax.plot(curves["list"], color=COLOURS["loss"], lw=2.2, ls="--")
ax.plot(curves["ModuleList"], color=COLOURS["loss"], lw=2.2)
ax.text(98, curves["list"][-1] + 0.3, "list: only the last layer learns", ha="right", fontsize=9, color=INK)
ax.text(98, curves["ModuleList"][-1] + 0.12, "ModuleList: all layers learn", ha="right", fontsize=9, color=INK)
ax.set(xlabel="step", ylabel="loss on 300 digits", ylim=(0, 2.5), title="the same net, two containers")
show(
    figure,
    alt="Two loss curves over 100 steps, both starting at about 2.3. The dashed one, hidden layers in a list, falls slowly and stays far above the "
    "solid one, hidden layers in a ModuleList, which falls close to 0. The net with the list learns, too, but less.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# It does fall, and that is the danger: nothing breaks. The last layer is registered and learns what it can from hidden
# layers that stay random. The hidden layers even get gradients, but no optimizer uses them (and `optimizer.zero_grad()`
# does not clear them). Those layers are also missing from the `state_dict` (2 tensors, not 6), so they are lost when
# the net is saved, and they stay behind when `net.to(device)` moves the net to a GPU.
#
# So when a net learns less than it should, look at `named_parameters()` first.
#
# </details>
#
# ### Ways to register modules and parameters
#
# | you have | write |
# |---|---|
# | a module | `self.name = nn.Linear(…)` |
# | a tensor that is learned | `self.name = nn.Parameter(tensor)` |
# | a list or dict of modules | `nn.ModuleList([…])`, `nn.ModuleDict({…})` |
# | a list or dict of parameters | `nn.ParameterList([…])`, `nn.ParameterDict({…})` |
# | a module or parameter whose name is computed | `self.add_module(name, module)`, `self.register_parameter(name, parameter)` |
#
# To read something that was registered under a computed name, use `getattr(self, name)`. The built-in
# `setattr(self, name, value)` registers, too: it is `self.name = value` with a computed name.
#
# **Before you run it:** `scale` is registered last. Which parameter is listed first? What is the weight of the wide
# branch called?


# %% predict
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
# <details><summary>Why?</summary>
#
# `scale` comes first: it is the net's own parameter, and its parts come after it. The weight's name is its path through
# the modules: `branches.wide.weight`.
#
# </details>
#
# A `ModuleList` and a `ModuleDict` only **hold** modules: they have no `forward`. Your `forward` decides which module
# runs when. (An `nn.Sequential` holds its modules *and* runs them.)
#
# ### Exercise: Fix the committee
#
# A committee consists of several linear layers. Each member $f_i$ has a vote $v_i$, a number to be learned, and the
# committee's output is $\sum_i v_i \cdot f_i(x)$.
#
# The class below computes the right output, but two mistakes leave it without any parameters. Fix both, so that
#
# - `members` holds a separate `nn.Linear` for each member, registered as `members.0`, `members.1`, …;
# - `votes` is one registered parameter of shape `(members,)`, float32, with every element initially
#   $1 / \text{members}$;
# - `forward` computes the same as before (use the votes directly; do not make them sum to 1), also in float64 after
#   `net.double()`; every parameter learns, and gradients reach `x`.
#
# You may change any line. When you are done, delete the line `raise NotImplementedError`.
#
# <details><summary>Hint 1: how much has to change?</summary>
#
# Two lines of `__init__`, a word or two in each. `forward` can stay as it is.
#
# </details>
#
# <details><summary>Hint 2: which ways to register?</summary>
#
# `members` is a list of modules, and `votes` is a tensor that is learned: two rows of the table above cover them.
#
# </details>


# %% exercise="committee" difficulty=1 minutes=6
class Committee(nn.Module):
    """The sum of several linear layers, each multiplied by a learned number.

    Args:
        in_features, classes: the input and output size of each member.
        members: the number of members, at least 1.
    """

    def __init__(self, in_features: int, classes: int, members: int):
        super().__init__()
        self.members = [nn.Linear(in_features, classes) for _ in range(members)]
        self.votes = torch.full((members,), 1 / members)
        ### BEGIN SOLUTION
        # Or change the two lines above: nn.ModuleList([…]) and nn.Parameter(…).
        self.members = nn.ModuleList(self.members)
        self.votes = nn.Parameter(self.votes)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, in_features). Returns: (N, classes)."""
        return sum(vote * member(x) for vote, member in zip(self.votes, self.members))


# %% check="committee" points=2
import contextlib
import io

g = torch.Generator().manual_seed(106)


def examine(in_features, classes, members, n):
    """Compare parameters, outputs and gradients of a committee with those of one einsum on the same numbers."""
    name = f"Committee({in_features}, {classes}, {members})"
    net = Committee(in_features, classes, members)
    parts = [("weight", (classes, in_features)), ("bias", (classes,))]
    layers = {f"members.{i}.{part}": size for i in range(members) for part, size in parts}
    shapes = layers | {"votes": (members,)}

    def told(shapes):
        return {part: str(tuple(shape)) for part, shape in shapes.items()}

    found = dict(net.named_parameters())
    buffer = {"votes is a buffer: saved, but not learned. Make it an nn.Parameter.": told(layers)}
    weights = [part for part in found if part.endswith("weight")]
    if weights and not any(part.startswith("members.") for part in weights):  # as by add_module
        advice = f"Yours are named {', '.join(weights)}: make members itself an nn.ModuleList."
        require(False, f"the members of {name} are registered as members.0, members.1, …", advice)
    expect(
        told({part: parameter.shape for part, parameter in found.items()}),
        told(shapes),
        f"names and shapes of the parameters of {name}",
        mistakes=(buffer if "votes" in dict(net.named_buffers()) else {})
        | {
            "Nothing is registered yet: nn.Module sees neither a list nor a plain tensor.": {},
            "The members are registered, the votes are not: a plain tensor is not seen.": told(layers),
            "The votes are registered, the members are not: nn.Module does not look into a list.": told(
                {"votes": (members,)}
            ),
            "The same layer is in every place of the list: make a new nn.Linear for each.": told(
                dict(list(layers.items())[:2]) | {"votes": (members,)}
            ),
            "There is a parameter for each vote: one tensor of shape (members,) was asked for.": told(
                layers | {f"votes.{i}": () for i in range(members)}
            ),
            "The votes are a matrix: their shape should be (members,).": told(layers | {"votes": (members, 1)}),
        },
    )
    modules = dict(net.named_modules())
    kinds = {f"members.{i}": modules[f"members.{i}"].__class__.__name__ for i in range(members)}
    expect(kinds, dict.fromkeys(kinds, "Linear"), f"the members of {name}")
    expect(
        found["votes"].detach().clone(),
        torch.tensor([1 / members] * members),
        f"the initial votes of {name}",
        mistakes={"They are 1 each: divide by the number of members.": torch.ones(members)},
    )
    starts = [found[f"members.{i}.weight"].detach().clone() for i in range(members)]
    other = Committee(in_features, classes, members)
    starts.append(dict(other.named_parameters())["members.0.weight"].detach().clone())
    if any(torch.equal(starts[i], starts[k]) for i in range(members + 1) for k in range(i)):
        advice = "Two members are copies of each other (perhaps in two committees): make a new nn.Linear for each."
        require(False, f"each member of {name} starts with its own numbers", advice)

    for turn, mode in enumerate(("", " after net.eval()", " after net.train()")):
        net.train(turn != 1)
        p = {part: torch.randn(size, generator=g) for part, size in shapes.items()}
        p["votes"] = (40 * p["votes"], torch.full((members,), 0.7), p["votes"] * (torch.arange(members) % 2))[turn]
        with torch.no_grad():
            for part, value in p.items():
                found[part].copy_(value)
        net.zero_grad()
        # the same values may be in a different order in memory
        x = torch.randn(in_features, n, generator=g).t() if turn else torch.randn(n, in_features, generator=g)
        x, weight = x.requires_grad_(), torch.randn(n, classes, generator=g)
        leaves = {part: value.clone().requires_grad_() for part, value in p.items()}
        w = torch.stack([leaves[f"members.{i}.weight"] for i in range(members)])
        b = torch.stack([leaves[f"members.{i}.bias"] for i in range(members)])
        outputs, v = torch.einsum("ni,mci->mnc", x, w) + b[:, None], leaves["votes"]
        before, s, answer = x.detach().clone(), torch.einsum("m,mnc->nc", v, outputs), net(inplace(x))
        expect(x.detach(), before, f"{name}(x) leaves x as it was")
        normalised = {
            "The votes went through a softmax: use them as they are.": torch.einsum("m,mnc->nc", v.softmax(0), outputs),
            "The votes are divided by their sum: use them as they are.": s / v.sum(),
        }
        expect(
            answer,
            s,
            f"{name}(x) for {n} samples, with {('large', 'equal', 'various')[turn]} votes{mode}",
            rtol=1e-4,
            atol=1e-5 if turn else 1e-3,
            mistakes={
                "The votes are not used: this is the mean.": outputs.mean(0),
                **({} if turn == 1 else normalised),
                "The output is divided by the number of members: the votes already do that.": s / members,
                "Only the first member is used.": v[0] * outputs[0],
            }
            if members > 1
            else {},
        )
        if not (answer.requires_grad and net(x.detach()).requires_grad):
            advice = "No parameter learns: is something frozen, detached, or recorded only if x needs a gradient?"
            require(False, f"autograd follows {name}", advice)
        (answer * weight).sum().backward()
        gradients = torch.autograd.grad((s * weight).sum(), [*leaves.values(), x])
        actual = {part: parameter.grad for part, parameter in net.named_parameters()} | {"x": x.grad}
        missing = [part for part, gradient in actual.items() if gradient is None]
        if missing:
            advice = f"No gradient reaches {', '.join(missing)}: it is frozen or detached, or forward does not use it as a tensor."
            require(False, f"a gradient reaches every parameter of {name}, and x", advice)
        wanted = dict(zip([*leaves, "x"], gradients))
        expect(
            actual,
            wanted,
            f"the gradients of all parameters of {name}{mode}, and of x",
            rtol=1e-3,
            atol=1e-4 if turn else 1e-2,
        )
    net.zero_grad()
    net.double()
    answer = net(x.detach().double())
    expect(answer, s.double(), f"{name}(x) in float64, after net.double()", rtol=1e-4, atol=1e-4)


def battery(cases):
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            examine(*case)


examine(5, 3, 4, n=6)
cases = [(2, 2, 1, 3), (3, 4, 3, 1), (1, 5, 14, 40)]
battery(cases)
require(True, "the same for " + ", ".join(f"Committee({c}, {d}, {m})" for c, d, m, _ in cases), "")
### BEGIN HIDDEN TESTS
cases = [(4, 4, 4, 2), (3, 2, 17, 1)]
battery(cases)
require(True, "other sizes", "")
### END HIDDEN TESTS

# %% [markdown]
# ## An input that takes two paths
#
# In a **residual block** (He and others, 2015), the input goes through two convolutions and is then added to their
# output:
#
# $$y = \mathrm{relu}\left(x + f(x)\right), \qquad f(x) = \mathrm{conv}_2(\mathrm{relu}(\mathrm{conv}_1(x))).$$
#
# The block only has to learn what to *change* in $x$. The path around the convolutions is called the **shortcut**.


# %% folded label="Draw a residual block"
def block_picture(ax, shortcut, shapes, title):
    """One residual block; shapes of x, after conv1, of f(x), of the shortcut."""
    stations = [(1.0, "x", "input"), (3.4, "conv1", "learned"), (5.7, "ReLU", "plain"), (8.0, "conv2", "learned")]
    stations += [(10.2, "+", "plain"), (12.0, "ReLU", "plain"), (14.2, "y", "output")]
    ax.plot([2.1, 2.1, 10.2], [0, 1.35, 1.35], color=COLOURS["input"], lw=1.8)
    ax.annotate("", (10.2, 0.35), (10.2, 1.38), arrowprops={"arrowstyle": "->", "color": COLOURS["input"], "lw": 1.8})
    for (x0, text, role), following in zip(stations, [*stations[1:], None]):
        half = 0.35 if text == "+" else 0.7
        face = tuple(1 - 0.25 * (1 - part) for part in plt.matplotlib.colors.to_rgb(COLOURS[role]))
        box = {"facecolor": face, "edgecolor": COLOURS[role], "lw": 1.8}
        ax.add_artist(plt.Rectangle((x0 - half, -0.35), 2 * half, 0.7, **box))
        ax.text(x0, 0, text, ha="center", va="center", fontsize=8.5, color=INK)
        if following:
            end = following[0] - (0.35 if following[1] == "+" else 0.7)
            ax.annotate("", (end, 0), (x0 + half, 0), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.3})
    if shortcut:
        face = tuple(1 - 0.25 * (1 - part) for part in plt.matplotlib.colors.to_rgb(COLOURS["learned"]))
        box = {"facecolor": face, "edgecolor": COLOURS["learned"], "lw": 1.8, "zorder": 3}
        ax.add_artist(plt.Rectangle((4.2, 1.0), 3.0, 0.7, **box))
        ax.text(5.7, 1.35, shortcut, ha="center", va="center", fontsize=8.5, color=INK, zorder=4)
    ax.text(8.75, 1.45, shapes[3], ha="center", va="bottom", fontsize=7.5, color=COLOURS["input"])
    for x0, text in [(1.0, shapes[0]), (4.55, shapes[1]), (9.1, f"f(x): {shapes[2]}"), (14.2, shapes[2])]:
        ax.text(x0, -0.5, text, ha="center", va="top", fontsize=7.5, color=INK)
    ax.text(0.3, 1.95, title, ha="left", va="bottom", fontsize=8.5, color=INK, weight="bold")
    ax.set(xlim=(0.0, 15.2), ylim=(-1, 2.4), aspect="equal")
    ax.axis("off")


figure, axes = plt.subplots(2, 1, figsize=(6.4, 3.5), layout="constrained")
same, smaller = "C×H×W", "D×H′×W′"
block_picture(axes[0], "", (same, same, same, same), "same shape: x is added as it is")
block_picture(
    axes[1], "1×1 conv, stride 2", (same, smaller, smaller, smaller), "different shape: the shortcut has to match it"
)
show(
    figure,
    alt="Two residual blocks. In both the input x of C×H×W takes two paths: a lower one through conv1, ReLU and conv2, which gives f(x), and an upper one, the "
    "shortcut, around them. Both meet at a plus, then a ReLU gives y. First block: all shapes are C×H×W, and the shortcut leaves x as it is. "
    "Second block: f(x) has the shape D×H′×W′, half the size, and a 1×1 convolution with stride 2 on the shortcut brings x to the same shape.",
)

# %% [markdown]
# The two terms of the sum must have the same shape. In the simple block (the upper one), both convolutions keep the
# number of channels, and with 3×3 kernels a padding of 1 keeps height and width:


# %%
class SimpleBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, kernel_size=3, padding=1)

    def forward(self, x):
        return F.relu(x + self.conv2(F.relu(self.conv1(x))))


block = SimpleBlock(4)
print("2×4×7×5 →", "×".join(map(str, block(torch.randn(2, 4, 7, 5)).shape)))

# %% [markdown]
# **Before you run it:** suppose that all weights and biases of the convolutions are 0. What does the block give for the
# values −2, −1, 1 and 2, and what gradient of the sum of its outputs reaches `x`?

# %% predict
for parameter in block.parameters():
    nn.init.zeros_(parameter)
x = torch.tensor([-2.0, -1.0, 1.0, 2.0]).reshape(1, 4, 1, 1).requires_grad_()
y = block(x)
y.sum().backward()
print("y:     ", y.flatten().tolist())
print("x.grad:", x.grad.flatten().tolist())

# %% [markdown]
# <details><summary>Why?</summary>
#
# With $f(x) = 0$ the block is $\mathrm{relu}(x)$. Everything passes through the plus unchanged; the last ReLU then lets
# the positive values through, and their gradient too. For the negative values it gives 0, with gradient 0. (A plain chain
# of the two convolutions would give zeros, and no gradient would reach `x`.) That is one reason why networks with a
# hundred such blocks can be trained: the gradient flows past the convolutions.
#
# Do not start with zeros, though: only the bias of `conv2` would get a gradient other than 0, and all kernels would stay
# 0. A fresh block has random kernels.
#
# </details>
#
# ### Exercise: A residual block that changes shape
#
# Real networks also need blocks that output more channels or smaller images. Then $x$ cannot be added as it is. A 1×1
# convolution (`07_convolution`) on the shortcut gives it the right shape: it mixes the channels at each position, and with a stride it
# skips positions (see the second block in the picture).
#
# Write the class `Residual(in_channels, out_channels, stride=1)`, $y = \mathrm{relu}(\mathrm{shortcut}(x) +
# \mathrm{conv}_2(\mathrm{relu}(\mathrm{conv}_1(x))))$:
#
# - `conv1` is a 3×3 convolution from `in_channels` to `out_channels` with padding 1 and the given stride;
# - `conv2` is a 3×3 convolution from `out_channels` to `out_channels` with padding 1 and stride 1;
# - if the block keeps the shape (same number of channels and stride 1), the shortcut is $x$ itself, without any
#   parameters. Otherwise it is the layer `shortcut`, a 1×1 convolution with the given stride.
#
# All convolutions have a bias. `x` is left as it was, and gradients reach all parameters and `x`. A `copy.deepcopy` of
# the block computes with its own layers.
#
# <details><summary>Hint 1: the input is needed twice</summary>
#
# Do not overwrite `x` before the sum: use another name for the result of the convolutions. And do not write `x += …`:
# it would change the input.
#
# </details>
#
# <details><summary>Hint 2: two kinds of shortcut</summary>
#
# Decide in `__init__`. `nn.Identity()` is a module that returns its input and has no parameters; with it, `forward` is
# the same in both cases.
#
# </details>
#
# <details><summary>Hint 3: "The size of tensor a must match the size of tensor b"</summary>
#
# Print both shapes. Is there a shortcut layer whenever the channels differ *or* the stride is not 1? Does it use the
# stride, and does `forward` use it? Do both 3×3 convolutions have `padding=1`?
#
# </details>


# %% exercise="residual" difficulty=3 minutes=12
class Residual(nn.Module):
    """relu(shortcut(x) + conv2(relu(conv1(x)))).

    Args:
        in_channels, out_channels: the channels of the input and of the output.
        stride: the stride of conv1 and of the shortcut.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1):
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=stride, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1)
        self.shortcut = nn.Identity()
        if in_channels != out_channels or stride != 1:
            self.shortcut = nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, in_channels, H, W), float32. Returns: (N, out_channels, H', W')."""
        ### BEGIN SOLUTION
        f = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.shortcut(x) + f)
        ### END SOLUTION


# %% check="residual" points=3
import contextlib
import copy
import io

g = torch.Generator().manual_seed(108)


def examine(channels, out, stride, size, n=2, turned=False, mode=True, scale=8, net=None, copied=False):
    """Compare parameters, outputs and gradients of a block with those of F.conv2d on the same numbers.

    turned: x is not contiguous. mode: training mode or not. scale: the size of the values of x.
    copied: take a copy of the block.
    """
    name = f"Residual({channels}, {out}, stride={stride})"
    net = Residual(channels, out, stride) if net is None else net
    if copied:
        name, net = f"a copy.deepcopy of {name}", copy.deepcopy(net)
    keeps = channels == out and stride == 1
    main = {"conv1.weight": (out, channels, 3, 3), "conv1.bias": (out,)}
    main |= {"conv2.weight": (out, out, 3, 3), "conv2.bias": (out,)}
    extra = {"shortcut.weight": (out, channels, 1, 1), "shortcut.bias": (out,)}
    shapes = main if keeps else main | extra

    def told(shapes):
        return {part: str(tuple(shape)) for part, shape in shapes.items()}

    parameters = dict(net.named_parameters())
    expect(
        told({part: parameter.shape for part, parameter in parameters.items()}),
        told(shapes),
        f"names and shapes of the parameters of {name}",
        mistakes={
            "No layer is registered: assign each to an attribute of self in __init__.": {},
            "The biases are missing.": told({part: shape for part, shape in shapes.items() if "weight" in part}),
            (
                "The shape stays the same, so add x itself: no layer on the shortcut."
                if keeps
                else "There is no layer on the shortcut, though the shape changes (channels or stride)."
            ): told(main | extra if keeps else main),
            "The shortcut layer has no bias.": told({part: shapes[part] for part in shapes if part != "shortcut.bias"}),
            "The kernel of the shortcut is 3×3: 1×1 was asked for.": told(
                shapes | ({} if keeps else {"shortcut.weight": (out, channels, 3, 3)})
            ),
        },
    )
    modules = dict(net.named_modules())
    convolutions = ["conv1", "conv2"] if keeps else ["conv1", "conv2", "shortcut"]
    kinds = {part: modules[part].__class__.__name__ for part in convolutions}
    expect(kinds, dict.fromkeys(convolutions, "Conv2d"), f"the layers of {name}")
    steps = {"conv1": (stride, stride), "conv2": (1, 1), "shortcut": (stride, stride)}
    wanted = {part: steps[part] for part in convolutions}
    expect(
        {part: tuple(modules[part].stride) for part in convolutions},
        wanted,
        f"the strides of the layers of {name}",
        mistakes={
            "The stride belongs to conv1, not to conv2.": wanted | {"conv1": (1, 1), "conv2": (stride, stride)},
            "The shortcut needs the stride, too: its output must have the size of f(x).": wanted
            | ({} if keeps else {"shortcut": (1, 1)}),
            "The stride is only for conv1 and the shortcut: conv2 has stride 1.": wanted | {"conv2": (stride, stride)},
        },
    )
    paddings = {part: modules[part].padding for part in convolutions}
    wanted = {part: (0, 0) if part == "shortcut" else (1, 1) for part in convolutions}
    expect(
        {part: wanted[part] if padding == "same" else tuple(padding) for part, padding in paddings.items()},
        wanted,
        f"the padding of the layers of {name}",
        mistakes={
            "conv1 and conv2 need padding=1, or the images shrink.": wanted | {"conv1": (0, 0), "conv2": (0, 0)},
            "conv2 needs padding=1, too.": wanted | {"conv2": (0, 0)},
            "conv1 needs padding=1, too.": wanted | {"conv1": (0, 0)},
            "The shortcut needs no padding: its kernel is 1×1.": wanted | ({} if keeps else {"shortcut": (1, 1)}),
        },
    )
    p = {part: torch.randn(shape, generator=g) / math.prod(shape[1:]) ** 0.5 for part, shape in shapes.items()}
    with torch.no_grad():
        for part, value in p.items():
            parameters[part].copy_(value)
    x = scale * torch.randn(n, channels, *size, generator=g)
    x = x.transpose(2, 3).contiguous().transpose(2, 3) if turned else x
    before, leaves = x.clone(), {part: value.clone().requires_grad_() for part, value in p.items()}
    net.train(mode)
    with torch.no_grad():
        plain = net(inplace(x))
    answer = net(inplace(x))
    if not torch.equal(x, before):
        advice = "The input has changed: write x = x + …, not x += …, and call no in-place function (with a _ at the end) on x."
        require(False, f"{name}(x) leaves x as it was", advice)

    def conv(part, h, step=1):
        w = leaves[f"{part}.weight"]
        return F.conv2d(h, w, leaves[f"{part}.bias"], stride=step, padding=w.shape[-1] // 2)

    def nothing(h):
        return h

    x = before.requires_grad_()
    s, hidden = x if keeps else conv("shortcut", x, stride), conv("conv1", x, stride)
    f, straight = conv("conv2", F.relu(hidden)), conv("conv2", hidden)
    overwritten = F.relu(F.relu(hidden) + f)
    conv1_added = "The output of conv1 was added instead of x: x was overwritten."
    expect(
        answer,
        F.relu(s + f),
        f"{name}(x) for x of shape {tuple(x.shape)}" + " after net.eval()" * (not mode),
        rtol=1e-4,
        atol=2e-6 * scale,
        mistakes={
            "The shortcut is not added: this is only the chain.": F.relu(f),
            "The ReLU at the end is missing.": s + f,
            "The last ReLU comes before the sum: add first.": s + F.relu(f),
            "There is a ReLU too many, between conv2 and the sum.": F.relu(s + F.relu(f)),
            "The ReLU between the convolutions is missing.": F.relu(s + straight),
            **({} if torch.allclose(overwritten, F.relu(f), 1e-3, 1e-3) else {conv1_added: overwritten}),
            "f(x) was added a second time instead of x: x was overwritten.": F.relu(2 * f),
        },
    )
    if not answer.requires_grad:
        require(False, f"autograd follows {name}", "No parameter learns: is something frozen or detached?")
    if not torch.equal(plain, answer):
        require(False, f"{name}(x) is the same inside torch.no_grad()", "There it gives other values.")
    weight = torch.randn(answer.shape, generator=g)
    gradients = torch.autograd.grad((F.relu(s + f) * weight).sum(), [*leaves.values(), x], retain_graph=True)
    net.zero_grad()
    again = before.detach().clone().requires_grad_()
    given = again * 1  # as if it came from another layer
    answer = net(inplace(given))
    if not torch.equal(given, again):
        advice = (
            "It has changed: write x = x + …, not x += …, and call no in-place function (with a _ at the end) on x."
        )
        require(False, f"{name}(x) leaves x as it was if x comes from another layer", advice)
    (answer * weight).sum().backward()
    found = {part: parameter.grad for part, parameter in net.named_parameters()} | {"x": again.grad}
    missing = [part for part, gradient in found.items() if gradient is None]
    if missing:
        advice = f"No gradient reaches {', '.join(missing)}: it is frozen, detached or not used."
        require(False, f"a gradient reaches every parameter of {name} and x", advice)
    cut = torch.autograd.grad((F.relu(s.detach() + f) * weight).sum(), [*leaves.values(), x], allow_unused=True)
    expect(
        found,
        dict(zip([*leaves, "x"], gradients)),
        f"the gradients of all parameters of {name} and of x",
        rtol=1e-2,
        atol=1e-4 * scale,
        mistakes={"No gradient comes back through the shortcut: do not detach it.": dict(zip([*leaves, "x"], cut))},
    )


def battery(cases):
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            examine(*case)


examine(4, 4, 1, (7, 5), net=Residual(4, 4))
examine(3, 5, 1, (4, 6))
examine(4, 4, 2, (7, 10))
examine(2, 3, 1, (5, 4), copied=True)
cases = [(5, 3, 1, (4, 7)), (2, 6, 2, (5, 9)), (1, 4, 1, (6, 3)), (3, 3, 3, (8, 7)), (3, 3, 2, (1, 1))]
ways = [(1, True, False), (2, False, True), (3, True, True), (1, False, False), (2, True, False)]
cases = [(*case, *way) for case, way in zip(cases, ways)]
for case, way in zip(((6, 6, 1, (5, 4)), (12, 12, 1, (3, 6))), ways):
    cases.append((*case, *way))
cases += [(2, 2, 1, (4, 3), 2, False, True, 8000), (2, 3, 5, (11, 12))]
battery(cases)
require(
    True,
    f"{len(cases)} other cases: fewer channels, strides 3 and 5, one pixel, large values, x not contiguous, net.eval()",
    "",
)
### BEGIN HIDDEN TESTS
cases = [(6, 2, 3, (11, 8)), (5, 4, 1, (3, 8)), (1, 3, 2, (6, 5))]
cases = [(*case, *way) for case, way in zip(cases, ways[::-1])]
for case, way in zip(((2, 2, 1, (6, 3)), (8, 8, 1, (4, 5))), ways[1:]):
    cases.append((*case, *way))
battery(cases)
examine(3, 3, 1, (4, 5), copied=True)
require(True, f"{len(cases)} other cases", "")
### END HIDDEN TESTS

# %% [markdown]
# ## The backward pass comes for free
#
# Your classes have a `forward`, but no `backward`. Autograd records every operation of the forward pass, whatever Python
# code called it, and `loss.backward()` goes back through all of them. Here every gradient is `None` before that call;
# afterwards each parameter has a gradient of its own shape:

# %%
torch.manual_seed(0)
batch, classes = torch.randn(12, 1, 28, 28), torch.randint(0, 10, (12,))
lenet.zero_grad()
print("all gradients are None before:", all(parameter.grad is None for parameter in lenet.parameters()))
loss = F.cross_entropy(lenet(batch), classes)
loss.backward()
for name, parameter in lenet.named_parameters():
    print(f"{name:9} parameter {tuple(parameter.shape)!s:16} gradient {tuple(parameter.grad.shape)}")

# %% [markdown]
# One step of gradient descent is then the same for every network:
#
# $$w \leftarrow w - \eta\, \frac{\partial L}{\partial w} \quad \text{for every } w \text{ in } \texttt{net.parameters()} .$$
#
# ### Exercise: One training step
#
# Write `training_step(net, x, labels, lr)`. It takes one step of plain gradient descent (no momentum) on the loss
# `F.cross_entropy(net(x), labels)`.
#
# - Every parameter $w$ of `net` stays the same `nn.Parameter` and changes to
#   $w - \mathrm{lr} \cdot \partial L/\partial w$. A parameter that is used in several places changes once.
# - Old gradients left in the net have no effect.
# - Frozen parameters (`requires_grad` is `False`) stay as they are, and so do parameters that `forward` does not use.
#   No parameter's `requires_grad` changes. At least one parameter that `forward` uses is trainable.
# - `net` is called once. Do not call `net.train()` or `net.eval()`. `x` and `labels` are left as they were.
# - Return the loss as a Python `float`, computed **before** the parameters change.
#
# You may use `torch.optim.SGD` or write the update yourself.
#
# <details><summary>Hint 1: the order</summary>
#
# Clear the old gradients, compute the loss, call `backward`, change the parameters, return the loss as a number.
#
# </details>
#
# <details><summary>Hint 2: "a leaf Variable that requires grad is being used in an in-place operation"</summary>
#
# The update itself must not be recorded: put it inside `with torch.no_grad():` (an optimizer's `step` does that for you).
# Only the update goes inside: the forward pass and the loss must be recorded.
#
# </details>
#
# <details><summary>Hint 3: frozen parameters</summary>
#
# Frozen parameters get no gradient, nor do parameters that `forward` does not use: after you clear the old gradients,
# their `.grad` stays `None`. An optimizer skips such parameters; if you write the loop yourself, skip them too.
#
# </details>


# %% exercise="training_step" difficulty=2 minutes=9
def training_step(net: nn.Module, x: torch.Tensor, labels: torch.Tensor, lr: float) -> float:
    """One step of gradient descent on the cross-entropy.

    x: a batch that fits net, N first. labels: (N,), int64, class numbers from 0 on. Returns: the loss before the step.
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
import contextlib
import copy
import io

g = torch.Generator().manual_seed(109)


def look_ahead(net, x, labels, loss=F.cross_entropy):
    """The loss of a net and its gradients, computed by autograd on a copy."""
    net = copy.deepcopy(net)
    named = {name: parameter for name, parameter in net.named_parameters() if parameter.requires_grad}
    value = loss(net(x), labels)
    return value.item(), dict(zip(named, torch.autograd.grad(value, list(named.values()))))


def now(net):
    return {name: parameter.detach().clone() for name, parameter in net.named_parameters()}


def shifted(values, by):
    return {name: value + by[name] if name in by else value for name, value in values.items()}


def scaled(gradients, by):
    return {name: by * gradient for name, gradient in gradients.items()}


def examine(net, x, labels, lr, title):
    """Two steps, with old gradients in the net before the first."""
    for parameter in net.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=g)
    trainable = {name: parameter.requires_grad for name, parameter in net.named_parameters()}
    for turn in ("first step", "second step"):
        old = {name: parameter.grad for name, parameter in net.named_parameters() if parameter.grad is not None}
        start, (loss, gradients) = now(net), look_ahead(net, x, labels)
        wanted = shifted(start, scaled(gradients, -lr))
        summed_loss, summed = look_ahead(net, x, labels, lambda s, y: F.cross_entropy(s, y, reduction="sum"))
        soft_loss, _ = look_ahead(net, x, labels, lambda s, y: F.cross_entropy(s.softmax(1), y))
        moved = copy.deepcopy(net)
        moved.load_state_dict(wanted, strict=False)
        loss_after, _ = look_ahead(moved, x, labels)
        adam = {name: gradient / (gradient.abs() + 1e-8) for name, gradient in gradients.items()}
        added = {name: gradient + old.get(name, 0 * gradient) for name, gradient in gradients.items()}
        everything = look_ahead(copy.deepcopy(net).requires_grad_(), x, labels)[1]
        uses = [id(parameter) for _, parameter in net.named_parameters(remove_duplicate=False)]
        held = [id(p) for module in net.modules() for p in module.parameters(recurse=False)]
        by_module = {
            name: held.count(id(p)) * gradients[name] for name, p in net.named_parameters() if name in gradients
        }
        stale = {
            name: -lr * gradient
            for name, gradient in old.items()
            if not trainable[name] and lr * gradient.abs().max() > 0
        }
        often = {name: uses.count(id(p)) * gradients[name] for name, p in net.named_parameters() if name in gradients}
        default_rate = "lr is not used: 0.001 is SGD's default."
        answer = training_step(inplace(net), x, labels, lr)
        expect(
            answer,
            loss,
            f"{title}, {turn}: the loss before the step, as a float",
            rtol=1e-4,
            mistakes={
                "This is the loss after the step.": loss_after,
                "This is the sum over the samples: F.cross_entropy takes the mean by default.": summed_loss,
                "There is a softmax before the loss: F.cross_entropy expects logits.": soft_loss,
                "This is a tensor: loss.item() turns it into a number.": torch.tensor(loss),
            },
        )
        expect(
            now(net),
            wanted,
            f"{title}, {turn}: the parameters after the step",
            rtol=1e-5,
            atol=1e-6,
            mistakes={
                "Nothing changed in the net: is the step or loss.backward() missing, were the gradients cleared before the "
                "step, or does p = p - … make a new tensor (p -= … changes the old one)?": start,
                "Old gradients were included: backward adds to what is there. Clear them first.": shifted(
                    start, scaled(added, -lr)
                ),
                "This is an Adam step: use plain gradient descent, torch.optim.SGD.": shifted(start, scaled(adam, -lr)),
                "The step goes uphill: subtract the gradient.": shifted(start, scaled(gradients, lr)),
                "lr is not used: the gradient is subtracted as it is.": shifted(start, scaled(gradients, -1)),
                **({default_rate: shifted(start, scaled(gradients, -1e-3))} if turn == "first step" else {}),
                "A frozen parameter took a step with its old gradient: clear that, too, or skip the parameter.": shifted(
                    wanted, stale
                ),
                "This is the gradient of the sum over the samples.": shifted(start, scaled(summed, -lr)),
                "Frozen parameters took the step, too: leave them out.": shifted(start, scaled(everything, -lr)),
                "A parameter that is used twice took the step twice.": shifted(start, scaled(often, -lr)),
                "A parameter that two modules hold took the step twice: net.parameters() visits it once.": shifted(
                    start, scaled(by_module, -lr)
                ),
            },
        )
    expect(
        {name: parameter.requires_grad for name, parameter in net.named_parameters()},
        trainable,
        f"{title}: the same parameters are trainable as before",
    )


def follow(title, net, x, labels, rates):
    """One step for each rate, compared with autograd on a copy; prints nothing unless one is wrong."""
    for number, parameter in enumerate(net.parameters()):
        if number % 3:  # some have old gradients, others have none
            parameter.grad = torch.randn(parameter.shape, generator=g).to(parameter.dtype)
    parameters = dict(net.named_parameters())
    x_before, labels_before = x.clone(), labels.clone()
    for number, lr in enumerate(rates):
        modes, trainable = [part.training for part in net.modules()], [p.requires_grad for p in net.parameters()]
        what = f"{title}, step {number + 1} with lr={lr}"
        net.zero_grad(set_to_none=False) if number % 2 else None
        twin = copy.deepcopy(net)
        names = [name for name, parameter in twin.named_parameters() if parameter.requires_grad]
        torch.manual_seed(number)  # the same dropout for both
        value = F.cross_entropy(twin(x), labels)
        found = torch.autograd.grad(value, [dict(twin.named_parameters())[name] for name in names], allow_unused=True)
        wanted = now(net) | {
            name: now(net)[name] - lr * gradient for name, gradient in zip(names, found) if gradient is not None
        }
        torch.manual_seed(number)
        answer = training_step(inplace(net), inplace(x), inplace(labels), lr)
        expect(x, x_before, f"{what}: x is left as it was")
        expect(labels, labels_before, f"{what}: the labels are left as they were")
        if [part.training for part in net.modules()] != modes:
            require(
                False,
                f"{what}: the net stays in its mode",
                "Do not call train() or eval(): take the step in the mode that net is in.",
            )
        expect(answer, value.item(), f"{what}: the loss before the step, as a float", rtol=1e-4)
        if type(answer) is not float:
            advice = f"Its type is {type(answer).__name__}."
            require(False, f"{what}: the loss is a Python float", advice)
        same = all(parameters.get(name) is parameter for name, parameter in net.named_parameters())
        if not same or len(list(net.parameters())) != len(parameters):
            advice = "The net has new parameters: an optimizer that holds the old ones would no longer train it."
            require(False, f"{what}: the parameters change in place", advice)
        expect(now(net), wanted, f"{what}: the parameters after the step", rtol=1e-5, atol=1e-6)
        expect(dict(net.named_buffers()), dict(twin.named_buffers()), f"{what}: the buffers, after one call of net")
        if [p.requires_grad for p in net.parameters()] != trainable:
            require(False, f"{what}: the same parameters are trainable as before", "Leave requires_grad as it is.")


def with_values(net):
    """The net, with numbers that are neither small nor alike."""
    for parameter in net.parameters():
        parameter.data = torch.randn(parameter.shape, generator=g) / 2
    return net


net = with_values(nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)))
examine(net, torch.randn(9, 5, generator=g), torch.randint(0, 3, (9,), generator=g), 0.5, "two linear layers")
net = with_values(nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)))
net[0].bias.requires_grad_(False)
net[2].weight.requires_grad_(False)
examine(net, torch.randn(6, 5, generator=g), torch.randint(0, 3, (6,), generator=g), 0.3, "with frozen parameters")
net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
net[2].weight = net[0].weight  # one parameter in two layers
net[4] = net[2]  # one layer in two places
net = with_values(net)
examine(net, torch.randn(7, 4, generator=g), torch.randint(0, 4, (7,), generator=g), 0.2, "with shared parameters")


class Unused(nn.Module):
    """A net with its own parameter, a layer that forward does not use, and layers in a ModuleList."""

    def __init__(self, c, d):
        super().__init__()
        self.spare, self.scale = nn.Linear(2, 2), nn.Parameter(torch.tensor(1.5))
        self.layers = nn.ModuleList([nn.Linear(c, c), nn.Linear(c, d)])

    def forward(self, x):
        return self.layers[1](torch.tanh(self.scale * self.layers[0](x)))


def battery(n, c, d):
    """Follow several nets over a few steps."""
    seq, relu = nn.Sequential, nn.ReLU()
    frozen = seq(nn.Linear(c, c), relu, nn.Linear(c, d))
    frozen[0].requires_grad_(False)
    normed = seq(nn.Linear(c, 6), nn.BatchNorm1d(6), relu, nn.Linear(6, d))
    kernels = seq(nn.Conv2d(c, 3, (2, 1), bias=False), nn.MaxPool2d(2), nn.Flatten(), seq(relu, nn.Linear(6, d)))
    kernels[0].weight.requires_grad_(False)
    layer = nn.Linear(c, c)
    cases = [
        ("five steps of one layer", seq(nn.Linear(c, d)), (n, c), (0.5, 0.1, 0.7, 0.2, 0.4)),
        ("large gradients", seq(nn.Linear(c, d)), (n, c), (0.01, 0.02)),
        ("a frozen first layer", frozen, (n, c), (0.3, 0.1)),
        ("parameters that forward does not use", Unused(c, d), (n, c), (0.2, 0.5)),
        ("batch normalisation in training mode", normed, (n, c), (0.1, 0.2)),
        ("dropout in evaluation mode", seq(nn.Linear(c, 9), nn.Dropout(0.5), nn.Linear(9, d)).eval(), (n, c), (0.3, 1)),
        ("dropout in training mode", seq(nn.Linear(c, 9), nn.Dropout(0.5), nn.Linear(9, d)), (n, c), (0.3, 1)),
        ("a convolution", kernels, (n, c, 5, 3), (0.2, 0.4)),
        ("one sample, a layer in two places", seq(layer, nn.Tanh(), seq(layer, nn.Linear(c, d))), (1, c), (2.0, 0.1)),
        ("a net in float64", seq(nn.Linear(c, d)).double(), (n, c), (0.5, 0.3)),
    ]  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        for title, net, shape, rates in cases:
            x = torch.randn(shape, generator=g) * (5000 if title.startswith("large") else 1)
            x = x.to(next(net.parameters()).dtype)
            if len(shape) == 2:
                x = x.t().contiguous().t()
            labels = torch.randint(0, d, shape[:1], generator=g)
            follow(title, net, x, labels, rates)
        net[0] = nn.Linear(c, d).double()
        follow("the same net with another layer", net, x, labels, (0.2, 0.4))
    return ", ".join(title for title, *_ in cases) + ", the same with another layer"


require(True, f"the same for {battery(6, 4, 3)}", "")
### BEGIN HIDDEN TESTS
battery(9, 3, 5)
net = with_values(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 4 * 3, 5)))
net[0].weight.requires_grad_(False)
x, labels = torch.randn(7, 1, 6, 5, generator=g), torch.randint(0, 5, (7,), generator=g)
examine(net, x, labels, 0.05, "a convolutional net with a frozen kernel")
shared = nn.Linear(3, 3)
net = with_values(nn.Sequential(shared, nn.Tanh(), nn.Sequential(shared, nn.Linear(3, 2))))
examine(net, torch.randn(1, 3, generator=g), torch.tensor([1]), 2.0, "one sample, a layer in two places")
### END HIDDEN TESTS

# %% [markdown]
# ## Training on real digits
#
# The digits in this course have 8×8 pixels. Enlarged to 20×20 and padded with 4 pixels of zeros on each side, they have
# the size of MNIST images, 28×28. Of the 1,797 digits we train on 300 and keep another 299 to test the network.

# %%
digits, digit_labels = load_digits()
large = F.interpolate(digits.unsqueeze(1) / 16, size=20, mode="bilinear", align_corners=False)
large = F.pad(large, (4, 4, 4, 4))
train_images, train_labels = large[::6], digit_labels[::6]
test_images, test_labels = large[3::6], digit_labels[3::6]
print("train:", tuple(train_images.shape), "  test:", tuple(test_images.shape))

# %% folded label="Draw some digits"
draw_images(
    [image for i in (6, 12, 24) for image in (digits[i], large[i, 0])],
    [f"{digit_labels[i]}: {size}" for i in (6, 12, 24) for size in ("8×8", "28×28")],
    alt="Three digits, each first with 8×8 pixels, then enlarged to 28×28 with smooth grey values and an empty frame around it.",
)

# %% [markdown]
# ### A quick test before a long training run
#
# Can the network **overfit one small batch**, that is, memorise its few images? Its loss on that batch must fall close to
# 0; the number of right answers is not enough. If it does not, something is broken, perhaps a gradient that does not
# arrive or a step that is never taken. (One unregistered layer may go unnoticed: look at `named_parameters()`.)
#
# **Before you run it:** at first the network knows nothing. What should the first loss be, roughly?

# %% predict varies
torch.manual_seed(0)
net = nn.Sequential(
    *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
    *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
batch, classes = train_images[:20], train_labels[:20]
losses = []
for _ in range(40):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(batch), classes)
    losses.append(loss.item())
    loss.backward()
    optimizer.step()
print(f"first loss {losses[0]:.2f}   last loss {losses[-1]:.4f}")

# %% predict varies folded label="Draw the loss"
figure, ax = plot_axes(6.4, 2.9)
ax.plot(losses, color=COLOURS["loss"], lw=2.2)
ax.axhline(math.log(10), color=INK, lw=1, ls=":")
ax.text(39, math.log(10) - 0.1, "guessing: ln 10 ≈ 2.30", ha="right", va="top", fontsize=9, color=INK)
ax.set(xlabel="step", ylabel="loss on the 20 images", ylim=(0, 2.6), title="overfitting twenty images")
show(
    figure,
    alt="The loss over 40 steps: it starts at the loss of guessing, ln 10 or about 2.30, and falls to almost 0. The network has overfitted its twenty images.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# A network that knows nothing gives each of the ten classes a probability of about 1/10. The cross-entropy is $-\ln$ of
# the probability of the right class, here $-\ln(1/10) = \ln 10 \approx 2.30$. If the first loss is far above that, the
# logits are too large, perhaps because the inputs were not scaled.
#
# </details>
#
# With a loss so small, the network is right on all of its 20 images.
#
# **Before you run it:** how many of the 299 test digits does it get right: about 30 (guessing), 170 or 290?

# %% predict varies
right_here = (net(batch).argmax(1) == classes).sum().item()
right_there = (net(test_images).argmax(1) == test_labels).sum().item()
print(f"{right_here} of the 20 it has seen, {right_there} of 299 others")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Twenty images say little about how people write, so the network is right on them and often wrong on others. (There is
# no 9 among the twenty, so the network never learns to answer 9.) This is **overfitting**: a small loss on the training
# images, a large one on other images. For a quick test that is just what we want. To read digits the network needs more
# training images, and we need to test it on images that it has not seen.
#
# </details>
#
# ### Two modes: train() and eval()
#
# Some layers do one thing while a network learns and another when it is used. `nn.Dropout(0.5)` is one: in training it
# sets each number to 0 with probability 1/2 and doubles the others, so that the average stays the same. `net.train()`
# and `net.eval()` switch a module, and all modules inside it, to training mode and evaluation mode. A new module is in
# training mode.
#
# **Before you run it:** this prints four lines of eight numbers. Which of the lines are equal?

# %% predict
torch.manual_seed(0)
layer, x = nn.Sequential(nn.Dropout(0.5)), torch.ones(8)
layer.train()
print(layer(x).tolist())
print(layer(x).tolist())
layer.eval()
print(layer(x).tolist())
print(layer(x).tolist())

# %% [markdown]
# <details><summary>Why?</summary>
#
# In training mode, each call chooses at random which numbers become 0. In evaluation mode, dropout does nothing: the
# last two lines are all ones. Our network has no such layer. But a training function does not know what net it will
# get, so it calls `net.train()` first. And before you use a net, call `net.eval()`. (Neither turns gradients on or off:
# that is the job of `torch.no_grad()`.)
#
# </details>
#
# ### Exercise: A training loop
#
# Write `train(net, images, labels, epochs, batch_size, lr)`. It trains any `net` in place, with the loss
# `F.cross_entropy` and the optimizer `torch.optim.Adam` with learning rate `lr`.
#
# - First it puts `net` and all modules inside it into training mode.
# - Each epoch visits every image once, in a **new random order** (every order of all images is equally likely), in
#   batches of `batch_size` (the last may be smaller, even a single image). Do not set a seed: two calls give different
#   orders.
# - Each batch is one step: one call of `net`, with each image's own label in the loss. Old gradients have no effect,
#   not even those that are in `net` before the first step.
# - Each call creates one optimizer for all its epochs, with Adam's default settings apart from `lr`. Frozen parameters
#   stay as they are, even if they have old gradients. At least one parameter that `forward` uses is
#   trainable.
# - `images` and `labels` are left as they were.
# - Return a list with one Python `float` per step: the loss before that step.
#
# <details><summary>Hint 1: the plan</summary>
#
# Create the optimizer once. Then write two loops: over the epochs and, inside, over the batches. The inner loop does
# one training step per batch.
#
# </details>
#
# <details><summary>Hint 2: batches in random order</summary>
#
# `torch.randperm(N)` gives 0 to N−1 in random order, and `.split(batch_size)` cuts a tensor into pieces. You can index
# with a tensor of positions: `images[batch]`, `labels[batch]`.
#
# </details>
#
# <details><summary>Hint 3: it does not learn</summary>
#
# Do images and labels use the same indices? Are the gradients cleared before `backward`? Does the loss get
# the output of the net as it is? Is the optimizer created before the loops?
#
# </details>


# %% exercise="train" difficulty=3 minutes=18
def train(
    net: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int, batch_size: int, lr: float
) -> list[float]:
    """Train a net with Adam on the cross-entropy, in place.

    images: (N, …), a shape that fits net. labels: (N,), int64. Returns: the loss before each step.
    """
    ### BEGIN SOLUTION
    net.train()
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[batch]), labels[batch])
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return losses
    ### END SOLUTION


# %% check="train" points=3
import copy
import itertools


class Recorder(nn.Module):
    """A small net that records which images it is called with: image i has i / 10 in its corner."""

    def __init__(self, classes):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(8, 8), nn.Sequential(nn.Tanh(), nn.Linear(8, 8)), nn.Dropout(0.0))
        self.spare = nn.Linear(2, 2)  # not used
        self.inner[0].bias.requires_grad_(False)
        self.fc = nn.Linear(8, classes)
        self.batches, self.modes = [], []

    def forward(self, x):
        self.batches.append([round(10 * corner) for corner in x.flatten(1)[:, 0].tolist()])
        self.modes.append(all(part.training for part in self.modules()))
        x = x.flatten(1)
        return self.fc(x + self.inner(x))


g = torch.Generator().manual_seed(110)
torch.manual_seed(110)


def replay(
    start,
    images,
    steps,
    lr,
    loss=F.cross_entropy,
    make=torch.optim.Adam,
    clear=None,
    fresh=(),
    dry=False,
    only_trainable=False,
):
    """Losses and parameters of a copy of the net, trained on given batches: image positions and labels.

    clear: the steps before which old gradients are cleared, by default all of them; the net starts with gradients
    of 1. fresh: the steps before which a new optimizer is created. dry: take no step. only_trainable: do not clear
    those of frozen parameters.
    """
    net, losses = copy.deepcopy(start), []
    for parameter in net.parameters():
        parameter.grad = torch.ones(parameter.shape)
    optimizer = make(net.parameters(), lr=lr)
    for number, (x, y) in enumerate(steps):
        if number in fresh:
            optimizer = make(net.parameters(), lr=lr)
        for parameter in net.parameters():
            if (clear is None or number in clear) and (parameter.requires_grad or not only_trainable):
                parameter.grad = None
        value = loss(net(images[x]), y)
        value.backward()
        losses.append(value.item())
        if not dry:
            optimizer.step()
    return losses, {name: parameter.detach() for name, parameter in net.named_parameters()}


def shifts(one, other):
    """By how many places each image has moved from one order to another, counted cyclically."""
    other = list(other)
    if sorted(one) != sorted(other):  # different images: nothing to compare
        return [0, 1]
    return [(other.index(image) - place) % len(other) for place, image in enumerate(one)]


def squared(s, y):
    return F.mse_loss(s, F.one_hot(y, s.shape[1]).float())


def examine(n, classes, epochs, batch_size, lr, name_mistakes=False, flat=False, net=None, scale=1):
    """Train a Recorder, look at its batches, and compare losses and parameters with those of a replay."""
    images, labels = scale * torch.randn(n, 1, 4, 2, generator=g), torch.randperm(n, generator=g) % classes
    images.view(n, -1)[:, 0] = torch.arange(n) / 10
    images = images.flatten(1) if flat else images
    net, start = Recorder(classes).eval() if net is None else net, Recorder(classes)
    net.batches.clear()
    net.modes.clear()
    start.load_state_dict(net.state_dict())
    for parameter in net.parameters():
        parameter.grad = torch.ones(parameter.shape)  # left over from before, also if it is frozen now
    images_before, labels_before = images.clone(), labels.clone()
    losses = train(inplace(net), inplace(images), inplace(labels), epochs, batch_size, lr)
    title = f"{epochs} epochs of {n} images, batch_size={batch_size}"
    if not (torch.equal(images, images_before) and torch.equal(labels, labels_before)):
        advice = "They have changed: shuffle the positions, not the images themselves."
        require(False, f"{title}: images and labels are left as they were", advice)
    sizes = [len(images[i : i + batch_size]) for i in range(0, n, batch_size)]
    per_epoch = len(sizes)
    known = {
        "net was never called: train the net that you are given, not a copy of it.": [],
        "The last, smaller batch is missing.": sizes[:-1] * epochs,
        "This is only one epoch.": sizes,
        "All images went through at once.": [n] * epochs,
        "The images went through one by one.": [1] * n * epochs,
        "net is called twice for each batch: once is enough.": [size for size in sizes for _ in "ab"] * epochs,
        "You return inside the inner loop: this is only the first batch.": sizes[:1],
    }
    times = [sum(batch.count(i) for batch in net.batches) for i in range(n)]
    if name_mistakes and max(times) > epochs and sum(times) <= n * epochs:
        known["Some images come up twice, others never: cut one random order of all positions into batches."] = [
            len(batch) for batch in net.batches
        ]
    expect(
        [len(batch) for batch in net.batches],
        sizes * epochs,
        f"{title}: the sizes of the batches that net is called with",
        mistakes=known if name_mistakes else None,
    )
    rows = [net.batches[i : i + per_epoch] for i in range(0, len(net.batches), per_epoch)]
    orders = [[i for batch in row for i in batch] for row in rows]
    demands = [
        (
            all(net.modes),
            "net is in training mode",
            "Call net.train() before the loops: it switches all modules inside, too.",
        ),
        (
            all(sorted(order) == list(range(n)) for order in orders),
            "each epoch visits every image once",
            "Some images come up twice, others never: cut one random order of all positions into batches.",
        ),
        (
            all(n < 8 or len(set(shifts(order, range(n)))) > 1 for order in orders)
            and not all(sum(i == k for k, i in enumerate(order)) > n - 4 for order in orders),
            "the images come in random order",
            "They come in the order in which they are stored: draw a random order.",
        ),
        (
            all(len(set(shifts(one, other))) > 1 and one != other[::-1] for one, other in itertools.pairwise(orders)),
            "each epoch has a different order",
            "Two epochs have the same order, or one that is only shifted or reversed: draw a new one inside the outer loop.",
        ),
    ]
    for met, what, otherwise in demands:
        if name_mistakes or not met:
            require(met, f"{title}: {what}", otherwise)
    seen = [torch.tensor(batch) for batch in net.batches]
    steps = [(batch, labels[batch]) for batch in seen]
    wanted, values = replay(start, images, steps, lr)
    known, known_values = {}, {}
    if name_mistakes:
        mixed = [(batch, part) for batch, part in zip(seen, list(labels.split(batch_size)) * epochs)]
        shifted = [(batch, labels[: len(batch)]) for batch in seen]
        starts, later = range(0, len(steps), per_epoch), range(1, len(steps))
        decayed = replay(start, images, steps, lr, make=torch.optim.AdamW)
        no_clearing, by_epoch, too_late = (replay(start, images, steps, lr, clear=c)[0] for c in ((), starts, later))
        known = {
            "One loss per epoch: one per step was asked for.": wanted[per_epoch - 1 :: per_epoch],
            "These are the losses times the batch size: record the mean.": [
                loss * len(batch) for loss, batch in zip(wanted, seen)
            ],
            "The loss is divided by the batch size: F.cross_entropy is already the mean over the batch.": [
                loss / batch_size for loss in wanted
            ],
            "These are tensors: loss.item() turns each into a number.": [torch.tensor(loss) for loss in wanted],
            "This is the sum over the samples: F.cross_entropy takes the mean by default.": replay(
                start, images, steps, lr, loss=lambda s, y: F.cross_entropy(s, y, reduction="sum")
            )[0],
            "There is a softmax before the loss: F.cross_entropy expects logits.": replay(
                start, images, steps, lr, loss=lambda s, y: F.cross_entropy(s.softmax(1), y)
            )[0],
            "This is the squared error: the cross-entropy was asked for.": replay(start, images, steps, lr, squared)[0],
            "Images and labels have different orders: use the same positions for both.": replay(
                start, images, mixed, lr
            )[0],
            "The images got other images' labels: index both with the same positions.": replay(
                start, images, shifted, lr
            )[0],
            "A frozen parameter was moved by its old gradient: clear that, too, or give Adam only the others.": replay(
                start, images, steps, lr, only_trainable=True
            )[0],
            "No step is taken: the parameters stay as they are.": replay(start, images, steps, lr, dry=True)[0],
            "Old gradients were included: backward adds to what is there. Clear them in each step.": no_clearing,
            "Gradients of other batches were included: clear them in each step, not once per epoch.": by_epoch,
            "Gradients that were already in net were included in the first step: clear them before it.": too_late,
            "A new optimizer in each epoch loses Adam's running averages: create it once.": replay(
                start, images, steps, lr, fresh=starts
            )[0],
            "A new optimizer in each step loses Adam's running averages: create it once.": replay(
                start, images, steps, lr, fresh=range(len(steps))
            )[0],
            "This is SGD: Adam was asked for.": replay(start, images, steps, lr, make=torch.optim.SGD)[0],
            "This is AdamW: Adam was asked for.": decayed[0],
            "lr is not used: this is Adam with its default 0.001.": replay(start, images, steps, 1e-3)[0],
        }
        known_values = {"This is AdamW: Adam was asked for.": decayed[1]}
        first = losses[0] if isinstance(losses, list) and losses else None
        if type(first) is float and abs(first - wanted[0]) > 1e-4:
            with torch.no_grad():
                s = copy.deepcopy(start)(images[seen[0]]).log_softmax(1)
            others = [-sum(row) / len(s) for row in itertools.product(*s.tolist())]  # with all possible labels
            if any(abs(first - other) < 2e-6 for other in others):
                known["The labels belong to other images: use the same indices for both."] = losses
    expect(losses, wanted, f"{title}: the losses", rtol=1e-4, mistakes=known)
    expect(
        {name: parameter.detach() for name, parameter in net.named_parameters()},
        values,
        f"{title}: the parameters after the training",
        rtol=2e-5,
        atol=2e-6,
        mistakes=known_values,
    )
    if type(losses[0]) is not float:
        require(False, f"{title}: the losses are Python floats", f"Their type is {type(losses[0]).__name__}.")
    return orders


def mixed_well(n, batch_size):
    """Over twelve epochs, each place gets several images, and the first batch several sets of images."""
    orders = examine(n, 3, 12, batch_size, 0.01)
    places = min(len({order[i] for order in orders}) for i in range(n))
    sets = len({frozenset(order[:batch_size]) for order in orders})
    advice = "Some image keeps its place, or the same images stay together: draw a whole new order in each epoch."
    require(places > 1 and sets > 3, f"12 epochs of {n} images: all images are shuffled", advice)


def mixed_far(n, batch_size):
    """About half of the images in the first half of an order come from the first half of the images."""
    (order,) = examine(n, 4, 1, batch_size, 0.01)
    stayed = sum(image < n // 2 for image in order[: n // 2])
    advice = "Images stay near their places, as when blocks are shuffled one by one: draw one order of all images."
    require(n / 8 < stayed < 3 * n / 8, f"1 epoch of {n} images: all images are shuffled", advice)


first = examine(11, 5, epochs=2, batch_size=4, lr=0.05, name_mistakes=True)
second = examine(11, 5, epochs=2, batch_size=4, lr=0.05)
require(first != second, "two calls give different orders", "They give the same order: do not set a seed.")
mixed_well(12, 6)
mixed_far(240, 40)
kept = Recorder(3)
for size in (4, 1):  # the second training of the net starts afresh
    examine(12, 3, epochs=3, batch_size=size, lr=0.1, flat=True, net=kept)
examine(11, 4, epochs=1, batch_size=20, lr=0.05)
examine(13, 3, epochs=2, batch_size=4, lr=0.03, scale=100)
### BEGIN HIDDEN TESTS
examine(13, 6, epochs=4, batch_size=5, lr=0.03)
examine(12, 2, epochs=2, batch_size=12, lr=0.2)
examine(12, 3, epochs=2, batch_size=1, lr=0.04)
examine(11, 4, epochs=2, batch_size=5, lr=0.04)
mixed_far(300, 50)
### END HIDDEN TESTS

# %% [markdown]
# ## Your network reads digits
#
# Now everything comes together: your `LeNet`, trained by your `train` on 300 digits for 12 epochs, and tested on 299
# digits that it has never seen.


# %% folded label="Stand-ins for functions that you have not solved yet"
def our_net():
    return nn.Sequential(
        *[nn.Conv2d(1, 32, 5), nn.MaxPool2d(3), nn.ReLU(), nn.Conv2d(32, 64, 5), nn.MaxPool2d(2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
    )


def our_training(net, images, labels, epochs, batch_size, lr):
    """Steps on images drawn at random, so some come up more often than others."""
    optimizer, losses = torch.optim.Adam(net.parameters(), lr=lr), []
    while len(losses) < epochs * len(images) // batch_size:
        drawn = torch.randint(len(images), (batch_size,))
        losses.append(F.cross_entropy(net(images[drawn]), labels[drawn]))
        net.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return [loss.item() for loss in losses]


# %% yours varies
torch.manual_seed(0)
make_net = yours_or_ours(LeNet, our_net)
example = nn.Linear(2, 2), torch.zeros(4, 2), torch.zeros(4).long(), 1, 2, 0.01
run_training = yours_or_ours(train, our_training, *example, random=True)

reader = make_net()
losses = run_training(reader, train_images, train_labels, epochs=12, batch_size=20, lr=2e-3)

reader.eval()
with torch.no_grad():
    answers = reader(test_images).argmax(1)
right = answers == test_labels
print(
    f"loss {losses[0]:.2f} → {losses[-1]:.2f}   {right.sum()} of {len(right)} new digits right ({right.float().mean():.0%})"
)

# %% yours varies folded label="Draw your loss curve and the misread digits"
figure, ax = plot_axes(6.4, 2.9)
ax.plot(losses, color=COLOURS["loss"], lw=1.2)
ax.axhline(math.log(10), color=INK, lw=1, ls=":")
ax.text(len(losses) - 1, math.log(10) - 0.1, "guessing", ha="right", va="top", fontsize=9, color=INK)
ax.set(xlabel="step", ylabel="loss of the batch", ylim=(0, 2.6), title="your network learns to read")
show(
    figure,
    alt="The loss of each batch over the steps of the training: it starts near 2.3, the loss of guessing, falls fast during the first 40 steps, "
    "and then slowly towards 0, fluctuating from batch to batch.",
)
wrong = (~right).nonzero().flatten()[:12].tolist()
if wrong:
    draw_images(
        [test_images[i, 0] for i in wrong],
        [f"{test_labels[i]}, read as {answers[i]}" for i in wrong],
        alt="Up to twelve digits that the network got wrong, each with its label and what the network read.",
    )

# %% [markdown]
# Look at the digits that it got wrong: could you read them?
#
# Everything that the network has learned is in its `state_dict`. Save it to a file, load it
# into a new net of the same class, and you have the same network again. (Since PyTorch 2.6, `torch.load` by default reads
# only tensors and plain Python data, so a file cannot easily smuggle in code.)

# %% yours
import tempfile

path = Path(tempfile.mkdtemp()) / "reader.pt"
torch.save(reader.state_dict(), path)

again = make_net()
print("same answers before loading:", torch.equal(again(test_images).argmax(1), answers))
again.load_state_dict(torch.load(path))
again.eval()
print("same answers after loading: ", torch.equal(again(test_images).argmax(1), answers))
print(
    f"{path.name}: {path.stat().st_size:,} bytes, 4 for each of {sum(p.numel() for p in again.parameters()):,} numbers, plus some overhead"
)

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. Images of 3×32×32 go through <code>nn.Conv2d(3, 16, 5)</code>, <code>nn.MaxPool2d(2)</code> and
# <code>nn.Flatten()</code>. How many features must the next linear layer take? How many parameters and products does
# the convolution have?</summary>
#
# 32 − 5 + 1 = 28, and half of that is 14: 16 · 14 · 14 = 3136 features. Parameters: 16 · (3 · 25 + 1) = 1216. Products:
# 16 · 28 · 28 · 3 · 25 = 940,800.
#
# </details>
#
# <details><summary>2. A module keeps its layers in a Python list. What still works, what does not, and how do you fix it?</summary>
#
# `forward` works, and gradients even reach the layers. But `parameters()` does not see the layers, so the optimizer
# does not train them; nor are they saved or moved to a GPU. Put them into an `nn.ModuleList`, register each with
# `add_module`, or use an `nn.Sequential` if they form a chain.
#
# </details>
#
# <details><summary>3. You write <code>forward</code>. Why do you call <code>net(x)</code>, where is the backward pass, and what do
# <code>train()</code> and <code>eval()</code> change?</summary>
#
# The call runs the hooks as well as `forward`. You never write the backward pass: autograd has recorded the operations
# of `forward`, and `loss.backward()` goes back through them. The two modes change what layers such as dropout do, and
# nothing else.
#
# </details>
#
# **Next**: `11_inside_module`, a look inside `nn.Module`. You have used its registries; but what happens at `self.name = …`, and how would you
# write `nn.Sequential` yourself?
