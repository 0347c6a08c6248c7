# %% [markdown]
# # Capstone: one classifier, fifteen notebooks
#
# You have built every part of a classifier, each in a notebook of its own. Here you put them together. You begin with bare tensors, replace them,
# piece by piece, with `torch.nn`, and check each time that only the code has changed. Then you train six models on real images, find out where the
# best one is wrong, and write its model card.
#
# After this notebook you can
#
# - say what each part of `torch.nn` does for you, and *refactor* a program (rewrite it without changing what it computes) in steps that you can
#   check;
# - write a training loop that keeps the best weights instead of the last;
# - turn a linear layer into a convolution that computes the same values, and build a convolutional network (a CNN) from its settings;
# - compare models fairly: training, validation and test images, parameters, time per epoch;
# - find out where a model is wrong, and report honestly how good it is.
#
# **Points**: 18. **Time**: about 50 minutes of reading and 100 minutes for the 9 exercises. **You need**: everything so far, above all autograd
# (`02_gradients_and_optimizers`), modules (`10_modules`), cross-entropy (`13_classification_losses`), data loaders and training loops
# (`14_data_pipelines`), `train()` and `eval()` (`15_dropout_and_batchnorm`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## The whole machine
#
# This is what you will put together. Each part carries the number of the notebook that took it apart.


# %% folded label="Draw the machine"
def box(ax, left, top, width, height, text, role, number):
    colour = COLOURS[role]
    ax.add_artist(plt.Rectangle((left, top), width, height, facecolor=(colour, 0.2), edgecolor=colour, linewidth=2))
    ax.text(left + width / 2, top + height / 2 + 0.12, text, ha="center", va="center", fontsize=12, color=INK)
    ax.text(left + width - 0.1, top + 0.13, number, ha="right", va="top", fontsize=10, color=colour, weight="bold")


def arrow(ax, start, end, style="-|>"):
    ax.annotate(
        "", end, start, arrowprops={"arrowstyle": style, "color": INK, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
    )


figure, ax = plt.subplots(figsize=(5.8, 5.9), layout="constrained")
ax.set(xlim=(-0.1, 10.1), ylim=(10.75, -0.1))
ax.axis("off")
box(ax, 0, 0, 2.9, 1.5, "images\nas tensors", "input", "01")
box(ax, 3.55, 0, 2.9, 1.5, "Dataset,\nDataLoader", "input", "14")
box(ax, 7.1, 0, 2.9, 1.5, "a batch", "input", "06")
ax.add_artist(plt.Rectangle((0, 2.5), 10, 4.1, fill=False, edgecolor=COLOURS["learned"], linewidth=1.5, linestyle="--"))
ax.text(
    0.15,
    2.62,
    "Module: 10, inside it: 11",
    ha="left",
    va="top",
    fontsize=11,
    color=COLOURS["learned"],
    weight="bold",
)
box(ax, 7.1, 3.1, 2.6, 1.4, "convolution", "learned", "07, 09")
box(ax, 3.75, 3.1, 2.6, 1.4, "batch norm,\ndropout", "learned", "15")
box(ax, 0.3, 3.1, 2.6, 1.4, "ReLU", "output", "03")
box(ax, 0.3, 5, 2.6, 1.4, "max pooling", "output", "08")
box(ax, 3.75, 5, 2.6, 1.4, "linear", "learned", "04")
box(ax, 7.1, 5, 2.6, 1.4, "initial values", "learned", "12")
box(ax, 3.55, 7.4, 2.9, 1.3, "cross-entropy", "loss", "05, 13")
box(ax, 3.55, 9.3, 2.9, 1.3, "gradients", "loss", "02")
box(ax, 7.1, 9.3, 2.9, 1.3, "a step", "learned", "02")
box(ax, 0, 7.4, 2.9, 1.3, "labels", "input", "14")
arrow(ax, (2.9, 0.75), (3.55, 0.75))
arrow(ax, (6.45, 0.75), (7.1, 0.75))
arrow(ax, (8.4, 1.5), (8.4, 3.1))
arrow(ax, (7.1, 3.8), (6.35, 3.8))
arrow(ax, (3.75, 3.8), (2.9, 3.8))
arrow(ax, (1.6, 4.5), (1.6, 5))
arrow(ax, (2.9, 5.7), (3.75, 5.7))
arrow(ax, (5, 6.4), (5, 7.4))
arrow(ax, (2.9, 8.05), (3.55, 8.05))
arrow(ax, (5, 8.7), (5, 9.3))
arrow(ax, (6.45, 9.95), (7.1, 9.95))
arrow(ax, (8.55, 9.3), (8.55, 6.6))
show(
    figure,
    alt="The parts of a classifier with the numbers of their notebooks. Images as tensors (01) go through Dataset and DataLoader (14) to a batch (06). "
    "The module (10, 11) contains convolution (07, 09), batch norm and dropout (15), ReLU (03), max pooling (08), linear (04) and initial values (12). "
    "Its logits and the labels (14) meet in the cross-entropy (05, 13); gradients (02) lead to a step (02), which changes the module.",
)

# %% [markdown]
# ### Images to sort
#
# Fashion-MNIST shows 70,000 pieces of clothing as grey images of 28×28 pixels, in ten classes. If it is not on your disk, the next cell downloads it
# (30 MB). Without an internet connection, the handwritten digits that come with the course take its place; a line says so, and everything below works
# the same way. On a CPU we use 12,000 of the 60,000 training images, so that no training run takes more than a minute. A fifth of them is held back
# for validation.

# %%
train_data = load_mnist(train=True, name="FashionMNIST")
test_data = load_mnist(train=False, name="FashionMNIST")
classes = train_data.classes

most = 60_000 if device.type == "cuda" else 12_000
images, labels = train_data.data[:most, None] / 255, train_data.targets[:most]
held_back = torch.arange(len(labels)) % 5 == 4  # every fifth image
train_images, train_labels = images[~held_back], labels[~held_back]
valid_images, valid_labels = images[held_back], labels[held_back]
test_images, test_labels = test_data.data[:, None] / 255, test_data.targets

for name, part in [("training", train_images), ("validation", valid_images), ("test", test_images)]:
    print(f"{name:11}", "×".join(map(str, part.shape)))

# %% folded label="Draw the first images"
draw_images(
    list(train_images[:15, 0]),
    [classes[label] for label in train_labels[:15]],
    alt="The first fifteen training images in three rows of five, each with its class above it.",
    columns=5,
)

# %% [markdown]
# Three parts, three jobs. The **training** images change the weights. The **validation** images decide between models, and between the epochs of one
# model. The **test** images are used once, at the very end: if you choose a model by its test accuracy, that number is no longer an honest estimate.
#
# ## Bare tensors
#
# Here is a classifier without `torch.nn` and without autograd: one hidden layer of 64 ReLU units, the cross-entropy, and the backward pass by hand.
# Every line comes from a notebook that you know; the comments give its number.

# %%
g = torch.Generator().manual_seed(0)


def uniform(*shape, fan_in):
    return (2 * torch.rand(shape, generator=g) - 1) / math.sqrt(fan_in)  # 04, 12


start = [uniform(64, 784, fan_in=784), uniform(64, fan_in=784), uniform(10, 64, fan_in=64), uniform(10, fan_in=64)]


def by_hand(parameters, x, y):
    """The mean cross-entropy over a batch, and its gradient for each of the four parameters."""
    w1, b1, w2, b2 = parameters
    x, n = x.flatten(1), torch.arange(len(y))
    hidden = x @ w1.T + b1  # 04
    active = hidden * (hidden > 0)  # 03
    logits = active @ w2.T + b2
    shifted = logits - logits.amax(dim=1, keepdim=True)  # 13
    log_p = shifted - shifted.exp().sum(dim=1, keepdim=True).log()
    loss = -log_p[n, y].mean()

    d_logits = log_p.exp()  # 13: probabilities minus truth
    d_logits[n, y] -= 1
    d_logits /= len(y)
    d_hidden = (d_logits @ w2) * (hidden > 0)  # 04, 03
    return loss.item(), [d_hidden.T @ x, d_hidden.sum(dim=0), d_logits.T @ active, d_logits.sum(dim=0)]


batches = list(zip(train_images[:1024].split(64), train_labels[:1024].split(64)))  # 16 batches
parameters, losses = [p.clone() for p in start], {"bare tensors": []}
for x, y in batches:
    loss, gradients = by_hand(parameters, x, y)
    losses["bare tensors"].append(loss)
    for p, gradient in zip(parameters, gradients):
        p -= 0.2 * gradient

print(*(f"{loss:.3f}" for loss in losses["bare tensors"]))

# %% [markdown]
# The loss falls. How do we know that the gradients are right? Here is a check that costs nothing.
#
# **Before you run it:** `gradients[3]` is the gradient of the last bias, ten numbers. What is their sum?

# %% predict
total = gradients[3].sum().item()
print(f"largest entry {gradients[3].abs().max():.3f}, sum of all ten {abs(total):.6f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Zero. The gradient for each sample is *probabilities minus truth*. The ten probabilities add up to 1, and so do the ten entries of the truth (a one
# and nine zeros). So the ten differences add up to 0, for each sample and for their mean. It also makes sense: adding the same number to all ten
# logits changes no probability, so the loss does not change in that direction.
#
# </details>
#
# From now on, each step of the refactoring must give **the same sixteen losses**. That is what makes a refactoring safe: change one thing, compare,
# go on. This function keeps the losses of a step and compares them with the first ones:


# %%
def keep(step, values):
    """Store the losses of a step, and compare them with those of the bare tensors."""
    losses[step] = values
    gap = max(abs(a - b) for a, b in zip(values, losses["bare tensors"], strict=True))
    told = "the same losses" if gap < 1e-3 else f"the losses differ by up to {gap:.3f}"
    print(f"{step}: {values[0]:.3f} … {values[-1]:.3f}, {told}")


# %% [markdown]
# ### Exercise: Autograd takes over
#
# Half of `by_hand` is the backward pass, which fits only this one net. Write `loss_and_gradients(parameters, x, y)`, which returns the same pair,
# but lets autograd compute the gradients, and so works for **any number of layers**.
#
# - `parameters` is a list `[w1, b1, w2, b2, …]` with one weight of shape `(D, C)` and one bias of shape `(D,)` for each linear layer; there is at
#   least one layer. Between two layers comes a ReLU; after the last, none.
# - `x` has shape `(N, …)`, contiguous or not, and is flattened to `(N, C)`; `y` has shape `(N,)`, int64.
# - Return a tuple: the mean cross-entropy as a Python `float`, and a list with one gradient for each parameter, in their order.
# - The parameters are plain tensors that require no gradient, all float32 or all float64, and so is `x`; everything is computed in that dtype. They
#   stay that way, with the same values. `x` and `y` are left as they were, too.
# - Each call starts afresh: two calls with the same arguments return the same.
#
# <details><summary>Hint 1: tensors that require a gradient</summary>
#
# Autograd records only what is computed from tensors that require a gradient. The parameters themselves must not become such tensors. So make another
# tensor from each, without its history, that requires a gradient, and compute with those.
#
# </details>
#
# <details><summary>Hint 2: the loop over the layers</summary>
#
# `zip(ps[0::2], ps[1::2])` gives the pairs of weight and bias. Call `F.linear` for each pair, with an `F.relu` between two layers. In a loop it is
# easiest to apply the ReLU *before* each layer except the first.
#
# </details>
#
# <details><summary>Hint 3: the two calls</summary>
#
# `p.detach().requires_grad_()` is a new tensor with the same numbers, which requires a gradient; `p` itself does not change. If `ps` is a list of
# such tensors, `torch.autograd.grad(loss, ps)` returns a tuple with one gradient for each of them.
#
# </details>


# %% exercise="loss_and_gradients" difficulty=1 minutes=8
def loss_and_gradients(
    parameters: list[torch.Tensor], x: torch.Tensor, y: torch.Tensor
) -> tuple[float, list[torch.Tensor]]:
    """The mean cross-entropy of a net of linear layers with ReLUs between them, and its gradients.

    parameters: [w1, b1, w2, b2, …], weights of shape (D, C), biases of shape (D,). x: (N, …). y: (N,), int64.
    """
    ### BEGIN SOLUTION
    leaves = [p.detach().requires_grad_() for p in parameters]
    x = x.flatten(1)
    for number, (weight, bias) in enumerate(zip(leaves[0::2], leaves[1::2])):
        x = F.linear(x if number == 0 else F.relu(x), weight, bias)
    loss = F.cross_entropy(x, y)
    return loss.item(), list(torch.autograd.grad(loss, leaves))
    ### END SOLUTION


# %% check="loss_and_gradients" points=1
import contextlib
import io

g = torch.Generator().manual_seed(161)


def examine(widths, shape, classes, dtype=torch.float32, scale=1.0, scattered=False):
    """One net: compare loss and gradients with those of torch's modules on the same numbers."""
    modules = []
    for number in range(len(widths) - 1):
        modules += [nn.Linear(*widths[number : number + 2]), nn.ReLU()]
    net = nn.Sequential(*modules[:-1])
    net = net.to(dtype)
    parameters = [
        (scale * torch.randn(p.shape, generator=g, dtype=torch.float64) / p.shape[-1] ** 0.5).to(dtype)
        for p in net.parameters()
    ]
    with torch.no_grad():
        for p, value in zip(net.parameters(), parameters):
            p.copy_(value)
    x = torch.randn(shape, generator=g, dtype=torch.float64).to(dtype)
    x = x.mT.contiguous().mT if scattered else x
    y = torch.randint(0, classes, shape[:1], generator=g)
    before = [p.clone() for p in parameters], x.clone(), y.clone()
    what = f"{len(widths) - 1} layer{'s' * (len(widths) > 2)} of {'×'.join(map(str, widths))}, x of shape {shape}"
    what += ("" if dtype == torch.float32 else ", float64") + (", not contiguous" if scattered else "")
    answer = loss_and_gradients([inplace(p) for p in parameters], inplace(x), inplace(y))
    flags = [p.requires_grad for p in parameters]
    require(
        not any(flags),
        f"{what}: the parameters still require no gradient",
        "Yours do now: call requires_grad_() on a detached copy of each, not on the parameter itself.",
    )
    after = {"parameters": parameters, "x": x, "y": y}
    expect(after, dict(zip(after, before)), f"{what}: parameters, x and y are left as they were")

    def wanted(net, reduction="mean"):
        value = nn.CrossEntropyLoss(reduction=reduction)(net(x.flatten(1)), y)
        return value, [gradient.detach() for gradient in torch.autograd.grad(value, list(net.parameters()))]

    value, found = wanted(net)
    summed, gradients = wanted(net, "sum")
    last, gradients_last = wanted(nn.Sequential(*net, nn.ReLU()))
    straight, gradients_straight = wanted(nn.Sequential(*[module for module in net if isinstance(module, nn.Linear)]))
    soft, gradients_soft = wanted(nn.Sequential(*net, nn.Softmax(1)))
    known = {
        "There is a ReLU after the last layer, too.": (last.item(), gradients_last),
        "The ReLUs between the layers are missing.": (straight.item(), gradients_straight),
        "This is the sum over the samples: the mean was asked for.": (summed.item(), gradients),
        "There is a softmax before the loss: F.cross_entropy expects logits.": (soft.item(), gradients_soft),
        "The loss is a tensor: `.item()` makes a float of it.": (value.detach(), found),
        "The gradients are a tuple: make a list of them.": (value.item(), tuple(found)),
        "The loss is a tensor (`.item()` makes a float of it), and the gradients are a tuple: make a list of them.": (
            value.detach(),
            tuple(found),
        ),
        "The gradients are None: `.grad` is filled only for the tensors that you computed with.": (
            value.item(),
            [None] * len(found),
        ),
        "All weights come first, then all biases: keep the order of `parameters`.": (
            value.item(),
            found[0::2] + found[1::2],
        ),
        "The gradients are those of the weights only.": (value.item(), found[0::2]),
        "The gradients are in the reverse order.": (value.item(), found[::-1]),
        "This is the loss alone: return the gradients as well.": value.item(),
    }
    close = {"rtol": 1e-4, "atol": 1e-6} if dtype == torch.float32 else {"rtol": 1e-9, "atol": 1e-11}
    expect(answer, (value.item(), found), f"{what}: loss and gradients", mistakes=known, **close)
    second = loss_and_gradients(parameters, x, y)
    advice = "They have added up: the tensors' `.grad` still holds the first call's gradients."
    twice = (value.item(), [2 * gradient for gradient in found])
    title = f"{what}: a second call with the same arguments returns the same"
    expect(second, (value.item(), found), title, mistakes={advice: twice}, **close)
    expect(answer, (value.item(), found), f"{what}: the first result is still as it was", **close)
    return what


def again(*case, **settings):
    """The same for other values, in one line."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case, **settings)
    print(f"✓ the same for {what}")


examine((12, 7, 5), (6, 1, 3, 4), 5)
again((8, 3), (5, 8), 3)
again((6, 5, 4, 3), (4, 2, 3), 3, torch.float64, scattered=True)
again((6, 6, 6, 6, 6, 2), (1, 6), 2)
again((5, 4, 3), (7, 5), 3, scale=30.0)
### BEGIN HIDDEN TESTS
again((9, 6, 4), (5, 1, 3, 3), 4)
again((4, 10), (3, 4), 10, torch.float64)
again((5, 8, 2, 8, 3), (9, 5), 3)
again((6, 4, 2), (4, 6), 2, scale=40.0)
### END HIDDEN TESTS

# %% [markdown]
# The first replacement: your function in place of `by_hand`. (Where an exercise is not solved yet, the course's own version runs, and a line says so,
# also above each picture that was drawn with it.)


# %% folded label="Say whose functions a picture was drawn with"
def credit(**used):
    """Name those of the functions behind a picture that are the course's own."""
    names = [f"`{name}`" for name, function in used.items() if function is not globals().get(name)]
    if names:
        print("Drawn with the course's own", ", ".join(names))


# %% yours
gradients_of = yours_or_ours(loss_and_gradients, by_hand, start, *batches[0])
parameters, values = [p.clone() for p in start], []
for x, y in batches:
    loss, gradients = gradients_of(parameters, x, y)
    values.append(loss)
    for p, gradient in zip(parameters, gradients):
        p -= 0.2 * gradient
keep("autograd, F.cross_entropy", values)

# %% [markdown]
# ## Module, Linear, optim
#
# The four tensors have to be passed to every function, in the right order, and each function has to know what each of them is for. With forty, that
# becomes a burden. A module keeps them, and finds them for the optimizer.
#
# ### Exercise: The net as a module
#
# Write the class `Classifier`, an `nn.Module` whose parameters start with given values.
#
# - `Classifier(parameters)` takes a list `[w1, b1, w2, b2]` of plain tensors as above: two layers of any size, float32 or float64.
# - Its attributes `hidden` and `out` are `nn.Linear` layers with these values as weights and biases, in the same dtype. Their four parameters are the
#   only ones, and all are trainable.
# - The module has **its own copies**: training it does not change the given tensors, nor a second `Classifier` made from the same list; and changing
#   the given tensors later does not change the module.
# - `forward(x)` takes `x` of shape `(N, …)`, contiguous or not, flattens it to `(N, C)` and returns the logits of shape `(N, K)`: hidden layer, ReLU,
#   output layer.
#
# <details><summary>Hint 1: the sizes</summary>
#
# A weight of shape `(D, C)` belongs to `nn.Linear(C, D)`. The shape of `w1` tells you both numbers.
#
# </details>
#
# <details><summary>Hint 2: writing the values</summary>
#
# `with torch.no_grad(): layer.weight.copy_(w1)` copies numbers into a parameter. `layer.weight = nn.Parameter(w1)` would *share* the memory of `w1`.
# `nn.Linear(C, D, dtype=w1.dtype)` makes a layer of that dtype.
#
# </details>


# %% exercise="classifier" difficulty=1 minutes=8
class Classifier(nn.Module):
    """Two linear layers with a ReLU between them, which start with given values.

    parameters: [w1, b1, w2, b2], weights of shape (D, C), biases of shape (D,).
    """

    def __init__(self, parameters: list[torch.Tensor]):
        ### BEGIN SOLUTION
        super().__init__()
        w1, b1, w2, b2 = parameters
        self.hidden = nn.Linear(w1.shape[1], w1.shape[0], dtype=w1.dtype)
        self.out = nn.Linear(w2.shape[1], w2.shape[0], dtype=w2.dtype)
        with torch.no_grad():
            for parameter, value in zip(self.parameters(), (w1, b1, w2, b2)):
                parameter.copy_(value)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits. x: (N, …). Returns: (N, K)."""
        ### BEGIN SOLUTION
        return self.out(F.relu(self.hidden(x.flatten(1))))
        ### END SOLUTION


# %% check="classifier" points=2
import contextlib
import io

g = torch.Generator().manual_seed(162)
NAMES = ["hidden.weight", "hidden.bias", "out.weight", "out.bias"]


def examine(c, d, k, shape, dtype=torch.float32):
    given = [torch.randn(size, generator=g, dtype=dtype) for size in ((d, c), (d,), (k, d), (k,))]
    before = [p.clone() for p in given]
    what = f"sizes {c}, {d} and {k}" + ("" if dtype == torch.float32 else ", float64")
    net, other = Classifier(inplace(given)), Classifier(given)
    require(isinstance(net, nn.Module), f"{what}: it is an nn.Module", "Write `class Classifier(nn.Module):`.")
    for name in ("hidden", "out"):
        layer = getattr(net, name, None)
        require(
            isinstance(layer, nn.Linear),
            f"{what}: net.{name} is an nn.Linear",
            "It is not there, or something else: assign an nn.Linear to this attribute in `__init__`.",
        )
    found = {name: parameter.detach() for name, parameter in net.named_parameters()}
    expect(
        sorted(f"{name} {tuple(value.shape)}" for name, value in found.items()),
        sorted(f"{name} {tuple(value.shape)}" for name, value in zip(NAMES, given)),
        f"{what}: names and shapes of the parameters",
        mistakes={
            "The sizes are swapped: a weight of shape (D, C) belongs to nn.Linear(C, D).": sorted(
                f"{name} {size}" for name, size in zip(NAMES, ((c, d), (c,), (d, k), (d,)))
            ),
        },
    )
    expect(
        found,
        dict(zip(NAMES, before)),
        f"{what}: the values of the parameters",
        mistakes={
            "The layers are always float32: pass dtype=w1.dtype to nn.Linear.": dict(
                zip(NAMES, map(torch.Tensor.float, before))
            )
        }
        if dtype == torch.float64
        else None,
    )
    require(
        all(parameter.requires_grad for parameter in net.parameters()),
        f"{what}: all four are trainable",
        "Some do not require a gradient: is there a requires_grad=False or a requires_grad_(False)?",
    )
    x = torch.randn(shape, generator=g, dtype=dtype).mT.contiguous().mT
    x_before = x.clone()
    answer = net(inplace(x))
    hidden = x.flatten(1).matmul(before[0].t()) + before[1]
    lines = [value.matmul(before[2].t()) + before[3] for value in (hidden.clamp(min=0), hidden)]
    expect(x, x_before, f"{what}: x is left as it was")
    expect(
        answer,
        lines[0],
        f"{what}: the logits for x of shape {shape}",
        mistakes={
            "The ReLU between the layers is missing.": lines[1],
            "There is a ReLU after the output layer: logits may be negative.": lines[0].clamp(min=0),
            "There is a softmax at the end: return the logits.": lines[0].softmax(1),
            "The logits of one image have shape (1, K): leave out squeeze().": lines[0].squeeze(),
        }
        | ({"These are log-probabilities: return the logits.": lines[0].log_softmax(1)} if k > 1 else {}),
        rtol=1e-4,
        atol=1e-4,
    )
    if answer.requires_grad:
        answer.sum().backward()
    require(
        all(parameter.grad is not None for parameter in net.parameters()),
        f"{what}: a gradient reaches all four parameters",
        "Some get none: use self.hidden and self.out themselves in `forward`, without .detach() or .data.",
    )
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)
    expect(
        given,
        before,
        f"{what}: the given tensors are left as they were after the module has changed",
        mistakes={
            "They changed with the module: nn.Parameter(w) shares the memory of w. Copy the numbers.": [
                p + 1 for p in before
            ]
        },
    )
    expect(
        {name: parameter.detach() for name, parameter in other.named_parameters()},
        dict(zip(NAMES, before)),
        f"{what}: a second module from the same list keeps its values",
    )
    for p in given:
        p.mul_(2.0)
    third = Classifier(given)
    expect(third.hidden.bias.detach(), 2 * before[1], f"{what}: a third module, made after the tensors have changed")
    found = other(x).detach()
    expect(found, lines[0], f"{what}: the second module after the tensors have changed", rtol=1e-4, atol=1e-4)
    return what


def again(*case, **settings):
    """The same for other values, in one line."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case, **settings)
    print(f"✓ the same for {what}")


examine(6, 4, 3, (5, 6))
again(12, 5, 7, (2, 3, 4), torch.float64)
again(6, 3, 4, (1, 2, 3))
### BEGIN HIDDEN TESTS
again(8, 3, 2, (4, 2, 2, 2))
again(3, 9, 1, (1, 3), torch.float64)
### END HIDDEN TESTS

# %% [markdown]
# With a module, three calls replace the loop over parameters and gradients: the optimizer's `zero_grad()`, the loss's `backward()` and
# the optimizer's `step()`.


# %% folded label="A stand-in for the exercise, if it is not solved yet"
class OurClassifier(nn.Module):
    def __init__(self, parameters):
        super().__init__()
        self.hidden, self.out = (nn.Linear(*reversed(weight.shape)) for weight in parameters[::2])
        torch.nn.utils.vector_to_parameters(torch.cat([p.flatten() for p in parameters]), self.parameters())

    def forward(self, x):
        return nn.Sequential(nn.Flatten(), self.hidden, nn.ReLU(), self.out)(x)


# %% yours
Net = yours_or_ours(Classifier, OurClassifier, start, call=batches[0][:1])
net, values = Net(start), []
optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
for x, y in batches:
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    values.append(loss.item())
    loss.backward()
    optimizer.step()
keep("Module, Linear, optim", values)

# %% [markdown]
# Convenience has its pitfalls. Here is one from `12_parameters_and_initialization` in a new guise.
#
# **Before you run it:** an optimizer is made, then one layer of the net is replaced by a new one, then 16 steps are taken. Do the weights of both
# layers move? Is there an error?

# %% predict
net = OurClassifier(start)
optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
net.out = nn.Linear(64, 10)
before = {name: parameter.detach().clone() for name, parameter in net.named_parameters()}
for x, y in batches:
    optimizer.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
for name, parameter in net.named_parameters():
    print(f"{name:14} moved by {(parameter - before[name]).norm().item():.3f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# There is no error. The hidden layer moves; the new output layer stays where it is. An optimizer has a list of its own: the tensors that were the
# net's parameters *when it was made*. It still holds the old layer's weights, which the net no longer uses, and knows nothing of the new ones. (It
# does not clear their gradients either, so they add up.) So make the optimizer last, when the net is complete and on its device.
#
# </details>
#
# ## Dataset, DataLoader, device
#
# Slicing the images by hand can go, too. `TensorDataset` pairs images and labels; `DataLoader` makes batches of them, and later it will shuffle.
# Without shuffling, the batches are the same as before.
#
# The last piece is the device. Net and batch must be on the same one. This little class moves a loader's batches to a device as it passes them on, so
# no training loop has to think about it:

# %%
from torch.utils.data import DataLoader, Dataset, TensorDataset


class OnDevice:
    """The batches of a loader, moved to a device."""

    def __init__(self, loader, device):
        self.loader, self.device = loader, device

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        for x, y in self.loader:
            yield x.to(self.device), y.to(self.device)


loader = OnDevice(DataLoader(TensorDataset(train_images[:1024], train_labels[:1024]), batch_size=64), device)
net, values = OurClassifier(start).to(device), []
optimizer = torch.optim.SGD(net.parameters(), lr=0.2)
for x, y in loader:
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    values.append(loss.item())
    loss.backward()
    optimizer.step()
keep(f"DataLoader, on {device.type}", values)

# %% [markdown]
# Modules and tensors both have a method `to`. It also takes a dtype, so you can see how it behaves even without a GPU.
#
# **Before you run it:** what are the two dtypes that are printed?

# %% predict
net, x = nn.Linear(3, 2), torch.zeros(4, 3)
net.to(torch.float64)
x.to(torch.float64)
print("net:", net.weight.dtype, "  x:", x.dtype)

# %% [markdown]
# <details><summary>Why?</summary>
#
# float64 for the net, float32 for `x`. A module changes itself: its parameters are converted one by one, and the module stays the same object.
# `x.to(…)` leaves `x` as it is and returns another tensor, which is thrown away here; `net(x)` would now fail. Hence the two ways of writing it:
# `net.to(device)` on a line of its own, but `x = x.to(device)`.
#
# </details>
#
# ### Keep the best, not the last
#
# In `14_data_pipelines`, a loop reported loss and accuracy for each epoch. If you train long enough, the validation loss usually reaches a lowest
# point and rises again: the net begins to memorise the training images; it *overfits*. The best net existed some epochs ago, so keep a copy of it
# while you have it.
#
# **Before you run it:** this cell keeps a layer's state in two ways, then changes the layer's weight from 1 to 6. What does it print?

# %% predict
layer = nn.Linear(1, 1, bias=False)
nn.init.ones_(layer.weight)
first = layer.state_dict()
second = {name: value.clone() for name, value in layer.state_dict().items()}
with torch.no_grad():
    layer.weight += 5
print("first:", first["weight"].item(), "  second:", second["weight"].item())

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only `second` still holds the 1, as in `12_parameters_and_initialization`: the tensors in a `state_dict()` *share the layer's memory*. They change
# with every step, so a "copy" kept in this way always equals the latest state. Clone the tensors, or use `copy.deepcopy(net.state_dict())`.
#
# </details>
#
# ### Exercise: A loop that keeps the best
#
# Write `fit_best(net, train_batches, valid_batches, epochs, lr)`. It trains `net` with `torch.optim.Adam` (learning rate `lr`, otherwise the default
# settings, one optimizer for all epochs) on the cross-entropy, and leaves in it the best state of all epochs.
#
# - `train_batches` and `valid_batches` are loaders: iterate over each once in every epoch, and call `net` once for each batch. They yield pairs
#   `(x, y)` on the device of `net`. Batches may differ in size, and the loaders may have neither a length nor a `dataset`.
# - Each epoch first trains: `net` is in training mode, and each batch is one step. Old gradients have no effect, not even those that are in `net` at
#   the beginning.
# - Then it validates: `net` is in evaluation mode, and no gradients are recorded.
# - Return a list with one tuple of three Python `float`s for each epoch: the training loss, the validation loss, and the validation accuracy (a
#   fraction). All three are means over **samples**. The training loss is the mean of the losses that were computed for the steps, each before its
#   step.
# - At the end, `net` has the parameters **and buffers** (all that is in `state_dict()`) that it had after the epoch with the smallest validation
#   loss, however small the difference (of equal ones, the first), and is in evaluation mode. Its parameters are still the same tensors, with those
#   values in them.
#
# `epochs` is at least 1.
#
# <details><summary>Hint 1: the plan</summary>
#
# One loop over the epochs, with two loops over batches inside, one after the other. Before them: the optimizer, an empty history, and
# `best = float("inf")`.
#
# </details>
#
# <details><summary>Hint 2: means over samples</summary>
#
# Add up `loss.item() * len(y)` and `len(y)`, and divide at the end.
#
# </details>
#
# <details><summary>Hint 3: the best state</summary>
#
# When an epoch has the smallest validation loss so far, clone every tensor in `net.state_dict()`, which contains the buffers as well. At the end,
# `net.load_state_dict(…)` puts them back.
#
# </details>


# %% exercise="fit_best" difficulty=3 minutes=18
def fit_best(net: nn.Module, train_batches, valid_batches, epochs: int, lr: float) -> list[tuple[float, float, float]]:
    """Train a net with Adam on the cross-entropy; leave its best state in it.

    Returns: for each epoch, training loss, validation loss and validation accuracy.
    """
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(net.parameters(), lr=lr)
    history, best = [], float("inf")
    for _ in range(epochs):
        net.train()
        train_loss = seen = 0
        for x, y in train_batches:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            train_loss += loss.item() * len(y)
            seen += len(y)
        net.eval()
        valid_loss = right = held = 0
        with torch.no_grad():
            for x, y in valid_batches:
                logits = net(x)
                valid_loss += F.cross_entropy(logits, y).item() * len(y)
                right += (logits.argmax(dim=1) == y).sum().item()
                held += len(y)
        history.append((train_loss / seen, valid_loss / held, right / held))
        if valid_loss / held < best:
            best = valid_loss / held
            state = {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(state)
    return history
    ### END SOLUTION


# %% check="fit_best" points=3
import contextlib
import copy
import io

g = torch.Generator().manual_seed(1662)


class Recorder(nn.Module):
    """A small net that records how it is called."""

    def __init__(self, features, classes):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(features, 6), nn.BatchNorm1d(6), nn.Tanh())
        self.out = nn.Linear(6, classes)
        self.calls = []

    def forward(self, x):
        modes = {module.training for module in self.modules()}
        mode = "both modes" if len(modes) > 1 else "training mode" if True in modes else "evaluation mode"
        self.calls.append([round(float(x[0, 0]), 4), mode, "gradients" if torch.is_grad_enabled() else "no gradients"])
        return self.out(self.inner(x))


class Passes:
    """A loader without a length that gives other batches in each pass."""

    def __init__(self, passes):
        self.passes, self.count = passes, 0

    def __iter__(self):
        self.count += 1
        return iter(self.passes[(self.count - 1) % len(self.passes)])


def draw(sizes, features, classes, dtype, wrong=0.0, scale=1.0):
    """Batches of these sizes; the class is where the largest of the first numbers is, but for a share of wrong labels."""
    found = []
    for size in sizes:
        x = torch.randn(size, features, generator=g, dtype=torch.float64)
        turn = (torch.rand(size, generator=g) < wrong).long()
        found.append(((scale * x).to(dtype), (x[:, :classes].argmax(1) + turn) % classes))
    return found


def state(net):
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def replay(
    start, passes, tests, lr, loss=F.cross_entropy, clear="before", make=torch.optim.Adam, fresh=False, back=False
):
    """Train a copy: for each epoch the pairs (loss, samples), those of the validation, the numbers right, the state.

    clear: when gradients are cleared, "before" or "after" a step, or never. back: return to the best after each epoch.
    """
    net, epochs = copy.deepcopy(start), []
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer = make(net.parameters(), lr=lr)
    for batches, test in zip(passes, tests):
        optimizer = make(net.parameters(), lr=lr) if fresh else optimizer
        net.train()
        trained = []
        for x, y in batches:
            if clear == "before":
                optimizer.zero_grad()
            value = loss(net(x), y)
            value.backward()
            optimizer.step()
            if clear == "after":
                optimizer.zero_grad()
            trained.append((value.item(), len(y)))
        net.eval()
        with torch.no_grad():
            held = [(loss(net(x), y).item(), len(y)) for x, y in test]
            right = [((net(x).argmax(1) == y).sum().item(), len(y)) for x, y in test]
        epochs.append((trained, held, right, state(net)))
        if back:
            net.load_state_dict(min(epochs, key=lambda epoch: mean(epoch[1]))[3])
    return epochs


def mean(pairs):
    return sum(value * n for value, n in pairs) / sum(n for _, n in pairs)


def plain(pairs):
    return sum(value for value, _ in pairs) / len(pairs)


def share(pairs):
    return sum(value for value, _ in pairs) / sum(n for _, n in pairs)


def examine(train_sizes, valid_sizes, features, classes, epochs, lr, best, dtype=torch.float32, scale=1.0):
    """Train a Recorder, and compare everything with a replay in which epoch number ``best`` is the best."""
    order = [None]
    while order[0] != best:  # until the data are so that this epoch is the best, and mistakes differ
        sizes = features, classes, dtype
        passes = [draw(train_sizes, *sizes, 0.5 * (k == epochs - 1 != best), scale) for k in range(epochs)]
        tests = [draw(valid_sizes, *sizes, float(k != best) / (1 + k % 2), scale) for k in range(epochs)]
        start = Recorder(features, classes).to(dtype).eval()
        found = replay(start, passes, tests, lr)
        order = sorted(range(epochs), key=lambda k: mean(found[k][1]))
        lowest = min(range(epochs), key=lambda k: mean(found[k][0]))
        accurate = max(range(epochs), key=lambda k: share(found[k][2]))
        if epochs > 4 and len({best, order[-1], lowest, accurate, epochs - 1}) < 5:
            order = [None]
    net = copy.deepcopy(start)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    what = f"{epochs} epoch{'s' * (epochs > 1)} with batches of {', '.join(map(str, train_sizes))}, validation batches of {', '.join(map(str, valid_sizes))}"
    what += "" if dtype == torch.float32 else ", float64"
    same = [id(parameter) for parameter in net.parameters()]
    answer = fit_best(inplace(net), Passes(passes), Passes(tests), epochs, lr)

    def calls(batches, mode, gradients):
        return [[round(float(x[0, 0]), 4), mode, gradients] for x, _ in batches]

    def all_calls(first, second):
        return [call for a, b in zip(passes, tests) for call in calls(a, *first) + calls(b, *second)]

    ways = ("training mode", "gradients"), ("evaluation mode", "no gradients")
    wanted = all_calls(*ways)
    expect(
        net.calls,
        wanted,
        f"{what}: each call of net (first number of the batch, mode, gradients)",
        mistakes={
            "You validate in training mode: call net.eval() first.": all_calls(
                ways[0], ("training mode", "no gradients")
            ),
            "The validation records gradients: eval() does not stop that, torch.no_grad() does.": all_calls(
                ways[0], ("evaluation mode", "gradients")
            ),
            "You validate in training mode, and gradients are recorded.": all_calls(ways[0], ways[0]),
            "From the second epoch on, you train in evaluation mode: call net.train() in every epoch.": [
                call
                for k, (a, b) in enumerate(zip(passes, tests))
                for call in calls(a, ways[0][0] if k == 0 else ways[1][0], "gradients") + calls(b, *ways[1])
            ],
            "You train in evaluation mode, the mode that net arrived in: call net.train().": all_calls(
                ("evaluation mode", "gradients"), ways[1]
            ),
            "This is one epoch only: is the return indented too far?": wanted[: len(passes[0]) + len(tests[0])],
        },
    )
    history = [(mean(a), mean(b), share(c)) for a, b, c, _ in found]

    def report(epochs):
        return [(mean(a), mean(b), share(c)) for a, b, c, _ in epochs]

    expect(
        answer,
        history,
        f"{what}: the history",
        mistakes={
            "The losses are means of batch means: weight each batch by its size.": [
                (plain(a), plain(b), share(c)) for a, b, c, _ in found
            ],
            "The training losses are means of batch means: weight each batch by its size.": [
                (plain(a), mean(b), share(c)) for a, b, c, _ in found
            ],
            "Accuracies and losses are means of batch means: weight each batch by its size.": [
                (plain(a), plain(b), plain([(right / n, n) for right, n in c])) for a, b, c, _ in found
            ],
            "The accuracies are percentages: give them as fractions.": [(a, b, 100 * c) for a, b, c in history],
            "The accuracies are tensors: `.item()` makes Python numbers of them.": [
                (a, b, torch.tensor(c)) for a, b, c in history
            ],
            "These are tensors: `.item()` makes Python numbers of them.": [
                tuple(map(torch.tensor, r)) for r in history
            ],
            "The training loss is that of the last batch: it should be the mean over all samples of the epoch.": [
                (a[-1][0], mean(b), share(c)) for a, b, c, _ in found
            ],
            "Each epoch is a list: a tuple was asked for.": [list(row) for row in history],
            "The accuracy is missing.": [row[:2] for row in history],
            "Only the best epoch is reported: give all of them.": [history[best]],
            "This is AdamW: Adam was asked for.": report(replay(start, passes, tests, lr, make=torch.optim.AdamW)),
            "This is SGD: Adam was asked for.": report(replay(start, passes, tests, lr, make=torch.optim.SGD)),
            "A new optimizer in each epoch loses Adam's running averages: make it once.": report(
                replay(start, passes, tests, lr, fresh=True)
            ),
            "Gradients that were in net at the beginning went into the first step: clear them before each backward.": report(
                replay(start, passes, tests, lr, clear="after")
            ),
            "Each epoch goes on from the best state so far: load it once, after the last epoch.": report(
                replay(start, passes, tests, lr, back=True)
            ),
            "There is a softmax before the loss: F.cross_entropy expects logits.": report(
                replay(start, passes, tests, lr, loss=lambda s, y: F.cross_entropy(s.softmax(1), y))
            ),
        }
        | (
            {}
            if epochs * len(train_sizes) == 1
            else {
                "Gradients of earlier batches were included: clear them before each backward.": report(
                    replay(start, passes, tests, lr, clear="never")
                ),
            }
        ),
        rtol=2e-4,
        atol=2e-5,
    )
    end, buffers = found[-1][3], [name for name, _ in start.named_buffers()]
    mixed = {name: end[name] if name in buffers else value for name, value in found[best][3].items()}
    expect(
        state(net),
        found[best][3],
        f"{what}: parameters and buffers at the end",
        mistakes={
            "This is the last state, not the best: did you keep a copy of the best and load it? state_dict() alone is no copy.": end,
            "The parameters are right, but the buffers are those of the last epoch.": mixed,
            "This is the state after the epoch with the largest validation loss.": found[order[-1]][3],
            "This is the state with the smallest training loss: the validation loss decides.": found[lowest][3],
            "This is the state with the largest validation accuracy: the validation loss decides.": found[accurate][3],
            "This is the state at the beginning: train net itself, not a copy of it.": state(start),
        }
        if epochs > 4
        else {},
        rtol=2e-4,
        atol=2e-5,
    )
    require(
        [id(parameter) for parameter in net.parameters()] == same,
        f"{what}: its parameters are still the same tensors",
        "Others have taken their place: net.load_state_dict(state) writes into them, with assign=True it does not.",
    )
    modes = {module.training for module in net.modules()}
    require(
        modes == {False},
        f"{what}: net is in evaluation mode at the end",
        "Some of it is in training mode: call net.eval().",
    )
    return what


def again(*case, **settings):
    """The same for other batches, without a line for each demand."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case, **settings)
    print(f"✓ the same for {what}")


examine([5, 4, 3], [7, 2], 4, 3, 6, 0.05, 3)
again([6], [9], 3, 2, 1, 0.01, 0, torch.float64)
again([8, 2], [3, 8], 3, 3, 4, 0.1, 0, scale=0.03)  # small numbers, large gradients


class Counter(nn.Module):
    """Its outputs do not depend on its parameter; its buffer counts the batches that it is trained on.

    first: its first logit; it shrinks by ``less`` with each batch.
    """

    def __init__(self, first, less=0.0):
        super().__init__()
        self.weight, self.first, self.less = nn.Parameter(torch.ones(2)), first, less
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        if self.training:
            self.count += 1
        return 0 * self.weight + torch.tensor([self.first - self.less * self.count.item(), 0.0]).expand(len(x), 2)


pair = [(torch.zeros(3, 1), torch.tensor([0, 1, 0]))]
net, what = Counter(30_000.0), "3 epochs of a net whose losses are all equal, about 10,000"
history = fit_best(inplace(net), pair * 2, pair, 3, 0.1)
expect(len(history), 3, f"{what}: the length of the history")
expect(
    net.count,
    torch.tensor(2),
    f"{what}: it counts the batches, and the first epoch has two",
    mistakes={"Of equal losses the first counts: compare with <, not with <=.": torch.tensor(6)},
)
net, what = Counter(1.0, 0.001), "3 epochs of a net whose losses fall by about 0.0001 each"
fit_best(inplace(net), pair * 2, pair, 3, 0.1)
expect(
    net.count,
    torch.tensor(6),
    f"{what}: it counts the batches, and the last epoch is the best",
    mistakes={"This is the first epoch's state: a loss is smaller, however small the difference.": torch.tensor(2)},
)
### BEGIN HIDDEN TESTS
examine([4, 3], [2, 5, 4], 3, 3, 4, 0.05, 1)
again([7, 2], [6, 1], 5, 4, 4, 0.04, 2, torch.float64)
net = Counter(2.0)
fit_best(inplace(net), pair * 3, pair * 2, 4, 0.1)
expect(net.count, torch.tensor(3), "4 epochs of a net whose losses are all equal: it keeps the first epoch's state")
### END HIDDEN TESTS

# %% [markdown]
# ## A linear layer is a convolution
#
# Going from a linear net to a convolutional one seems a leap, but it can be a step like the others, with the same losses. A unit of the first layer
# has 784 weights, one for each pixel. Arrange them as 28×28 numbers and you have a kernel, as large as the image. There is only one place where
# it fits, so its activation map has one value: the sum of weights times pixels, plus the bias. That is what the linear layer computes.

# %% folded label="Draw a row of weights as a kernel"
figure, axes = plt.subplots(2, 1, figsize=(5.6, 4.2), layout="constrained", height_ratios=[1, 5])
row = uniform(1, 36, fan_in=36)
axes[0].imshow(row, cmap="PuOr_r", vmin=-0.17, vmax=0.17, aspect="auto")
axes[0].set_title("a row of weights: 1×36", fontsize=12, color=INK)
axes[1].imshow(row.reshape(6, 6), cmap="PuOr_r", vmin=-0.17, vmax=0.17)
axes[1].set_title("the same numbers as a kernel: 6×6", fontsize=12, color=INK)
for cut in range(6):
    axes[0].axvline(6 * cut - 0.5, color=INK, lw=1.5 if cut else 0)
    axes[1].axhline(cut - 0.5, color=INK, lw=1.5 if cut else 0)
for ax in axes:
    ax.set(xticks=[], yticks=[])
show(
    figure,
    alt="Above, 36 weights in one row, cut into six pieces of six by dark lines. Below, the six pieces under one another: a kernel of 6×6.",
)

# %% [markdown]
# ### Exercise: A linear layer as a convolution
#
# Write `as_convolution(linear, shape)`. `linear` is an `nn.Linear` that is used on flattened images of shape `(C, H, W)`; `shape` is that tuple.
# Return an `nn.Conv2d` with stride 1 and no padding that computes the same **without flattening**: for a batch of shape `(N, C, H, W)`, its output of
# shape `(N, D, 1, 1)` has the values of `linear(x.flatten(1))`.
#
# - It has a bias if and only if `linear` has one, whatever its values.
# - It has the dtype of `linear` (any floating-point dtype), and its own copies of the numbers, exactly the same ones: changing one of the two never
#   changes the other. All its parameters are trainable.
# - `linear` is left as it was.
#
# <details><summary>Hint 1: which layer?</summary>
#
# One kernel for each output, each as large as the image: `nn.Conv2d(C, D, kernel_size=(H, W))`.
#
# </details>
#
# <details><summary>Hint 2: the shape of the weight</summary>
#
# A convolution's weight has shape `(D, C, H, W)`, the linear layer's `(D, C·H·W)`. `flatten(1)` puts the numbers of an image in the order channel,
# row, column, so a `reshape` is enough.
#
# </details>


# %% exercise="as_convolution" difficulty=2 minutes=9
def as_convolution(linear: nn.Linear, shape: tuple[int, int, int]) -> nn.Conv2d:
    """A convolution that computes what a linear layer computes on flattened images of a shape (C, H, W)."""
    ### BEGIN SOLUTION
    channels, height, width = shape
    has_bias = linear.bias is not None
    conv = nn.Conv2d(
        channels, linear.out_features, kernel_size=(height, width), bias=has_bias, dtype=linear.weight.dtype
    )
    with torch.no_grad():
        conv.weight.copy_(linear.weight.reshape(conv.weight.shape))
        if has_bias:
            conv.bias.copy_(linear.bias)
    return conv
    ### END SOLUTION


# %% check="as_convolution" points=2
import contextlib
import io

g = torch.Generator().manual_seed(164)


def examine(shape, d, bias=True, dtype=torch.float32, frozen=False, zeros=False):
    c, h, w = shape
    linear = nn.Linear(c * h * w, d, bias=bias, dtype=dtype)
    values = {name: torch.randn(p.shape, generator=g, dtype=dtype) for name, p in linear.named_parameters()}
    if zeros:
        values["bias"].zero_()
    linear.load_state_dict(values)
    linear.requires_grad_(not frozen)
    what = f"nn.Linear({c * h * w}, {d}{'' if bias else ', bias=False'}) for images {shape}"
    what += "" if dtype == torch.float32 else f", {str(dtype).removeprefix('torch.')}"
    what += (", frozen" if frozen else "") + (", a bias of zeros" if zeros else "")
    conv = as_convolution(inplace(linear), shape)

    def now(module):
        return {name: p.detach().clone() for name, p in module.named_parameters()}

    expect(now(linear), values, f"{what}: the linear layer is left as it was")
    require(
        [p.requires_grad for p in linear.parameters()] == [not frozen] * len(values),
        f"{what}: the linear layer's requires_grad is left as it was",
        "It has changed.",
    )
    require(
        isinstance(conv, nn.Conv2d),
        f"{what}: the result is an nn.Conv2d",
        "Nothing came back: is a return missing?" if conv is None else "It is something else.",
    )
    expect(
        {name: tuple(value.shape) for name, value in now(conv).items()},
        {"weight": (d, c, h, w)} | ({"bias": (d,)} if bias else {}),
        f"{what}: the parameters' shapes",
        mistakes={
            "The linear layer has no bias, so the convolution needs bias=False.": {
                "weight": (d, c, h, w),
                "bias": (d,),
            },
            "Height and width are swapped.": {"weight": (d, c, w, h)} | ({"bias": (d,)} if bias else {}),
            "The bias is missing. (A bias of zeros is one, too.)": {"weight": (d, c, h, w)},
            "The weight has the linear layer's shape: reshape it.": {"weight": (d, c * h * w)}
            | ({"bias": (d,)} if bias else {}),
            "The kernel has size 1×1: it must be as large as the image.": {"weight": (d, c, 1, 1)}
            | ({"bias": (d,)} if bias else {}),
        },
    )
    require(
        conv.weight.dtype == dtype,
        f"{what}: the dtype is {str(dtype).removeprefix('torch.')}",
        "It is another: pass `dtype=linear.weight.dtype`.",
    )
    require(
        all(p.requires_grad for p in conv.parameters()),
        f"{what}: all its parameters are trainable",
        "Some do not require a gradient.",
    )
    if bias:
        same = torch.allclose(conv.bias.detach(), values["bias"], rtol=1e-3, atol=1e-3)
        require(same, f"{what}: the bias has the linear layer's values", "The bias has not been copied.")
    tolerance = {torch.float64: 1e-10, torch.float32: 1e-4}.get(dtype, 0.1)
    x = torch.randn(4, *shape, generator=g, dtype=dtype)
    before = x.clone()
    answer = conv(x)
    wanted = F.linear(before.flatten(1), values["weight"], values.get("bias"))[:, :, None, None]
    flat = values["weight"]
    turned = flat.reshape(d, c, w, h).transpose(2, 3)
    mixed = flat.reshape(d, h, w, c).permute(0, 3, 1, 2)
    flipped = flat.reshape(d, c, h, w).flip(2, 3)
    across = flat.reshape(c, d, h, w).transpose(0, 1)
    shift = values["bias"][:, None, None] if bias else 0.0

    def other(kernel):
        return F.conv2d(before, kernel) + shift

    expect(
        answer,
        wanted,
        f"{what}: the output",
        mistakes={
            "The rows and columns of the kernel are mixed up: the weights are in the order channel, row, column.": other(
                turned
            ),
            "The channels come last in your kernels: flatten(1) puts them first.": other(mixed),
            "Your kernels are flipped: PyTorch's convolution does not flip them, so you need not.": other(flipped),
            "The kernels of different outputs are mixed up: the weight's first dimension is the output.": other(across),
        },
        rtol=tolerance,
        atol=tolerance,
    )
    wide = torch.randn(2, c, h + 2, w + 3, generator=g, dtype=dtype)
    expect(
        tuple(conv(wide).shape),
        (2, d, 3, 4),
        f"{what}: the shape of the output for images of {h + 2}×{w + 3}, without padding, stride 1",
    )
    with torch.no_grad():
        for p in conv.parameters():
            p.mul_(2.0)
    expect(
        now(linear),
        values,
        f"{what}: the linear layer is left as it was when the convolution changes",
        mistakes={
            "Both share their memory: copy the numbers.": {name: 2 * value for name, value in values.items()},
            "Both share the weight's memory: copy the numbers.": values | {"weight": 2 * values["weight"]},
            "Both share the bias: copy the numbers.": values
            | {name: 2 * value for name, value in values.items() if name == "bias"},
        }
        if bias and not zeros
        else {},
    )
    with torch.no_grad():
        for p in linear.parameters():
            p.zero_()
    expect(
        now(conv)["weight"].flatten(1),
        2 * flat,
        f"{what}: the convolution keeps its numbers when the linear layer changes",
    )
    return what


def again(*case, **settings):
    """The same for other values, in one line."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case, **settings)
    print(f"✓ the same for {what}")


examine((1, 3, 4), 5)
again((2, 4, 3), 3, bias=False)
again((3, 2, 5), 2, dtype=torch.float64)
again((4, 1, 1), 6, frozen=True, zeros=True)
again((2, 2, 3), 3, dtype=torch.bfloat16)
### BEGIN HIDDEN TESTS
again((2, 3, 5), 4)
again((3, 5, 2), 1, bias=False, dtype=torch.float64)
again((1, 1, 6), 3, frozen=True)
### END HIDDEN TESTS

# %% [markdown]
# Now the whole net becomes a convolutional one, in one `nn.Sequential`: kernels of 28×28 in the first layer; in the second, kernels of 1×1, because
# its input has a single position. `nn.Flatten` drops the two dimensions of size 1.


# %% folded label="A stand-in for the exercise, if it is not solved yet"
def our_convolution(linear, shape):
    conv = nn.Conv2d(shape[0], linear.out_features, shape[1:])
    conv.load_state_dict({"weight": linear.weight.view(-1, *shape), "bias": linear.bias})
    return conv


# %% yours
to_conv = yours_or_ours(as_convolution, our_convolution, nn.Linear(6, 4), (1, 2, 3))
linear_net = OurClassifier(start)
net = nn.Sequential(
    to_conv(linear_net.hidden, (1, 28, 28)),
    nn.ReLU(),
    to_conv(linear_net.out, (64, 1, 1)),
    nn.Flatten(),
).to(device)
torch.backends.cudnn.allow_tf32 = False  # else a GPU may round the factors of a convolution
values, optimizer = [], torch.optim.SGD(net.parameters(), lr=0.2)
for x, y in loader:
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    values.append(loss.item())
    loss.backward()
    optimizer.step()
keep("a CNN, in nn.Sequential", values)

# %% yours folded label="Draw the losses of all steps"
credit(loss_and_gradients=gradients_of, Classifier=Net, as_convolution=to_conv)
figure, ax = plot_axes(5.6, 3.4)
for number, (step, values) in enumerate(losses.items()):
    style = {"lw": 13 - 2.8 * number, "alpha": 0.25 + 0.15 * number, "solid_capstyle": "round"}
    ax.plot(range(1, 17), values, color=COLOURS["loss"], label=step, **style)
ax.set(xlabel="step", ylabel="loss")
ax.legend(fontsize=10, frameon=False)
show(
    figure,
    alt="The loss over 16 steps, once for each stage of the refactoring. The lines have different widths and lie exactly on top of one another.",
)

# %% [markdown]
# Five programs, one curve. The net is no more accurate than before, but look at the code: no gradient by hand, no list of tensors, no slices. It runs
# on any device, and `nn.Conv2d` opens the way to other networks.
#
# ### What a convolution can do that a linear layer cannot
#
# On images of this size the two compute the same, but they are *not* the same. A linear layer rejects larger images; a convolution slides over them.
#
# **Before you run it:** a strip of four images side by side has 28×112 pixels. What is the shape of the output of the convolutional net (without the
# `Flatten`) for a batch of one strip?

# %% predict
strip = torch.cat(list(valid_images[:4]), dim=2)[None]
sliding = nn.Sequential(
    *[our_convolution(linear_net.hidden, (1, 28, 28)), nn.ReLU(), our_convolution(linear_net.out, (64, 1, 1))]
)
print("×".join(map(str, strip.shape)), "→", "×".join(map(str, sliding(strip).shape)))

# %% [markdown]
# <details><summary>Why?</summary>
#
# 1×10×1×85. A 28×28 kernel has 112 − 28 + 1 = 85 places in the strip. For each of them, the net gives ten logits: it is applied to 85 overlapping
# windows in one call. (In a net with small kernels, overlapping windows would even share most of the work.) Positions 0, 28, 56 and 84 are the four
# images exactly; the others are windows that show parts of two images.
#
# </details>
#
# Let us train the linear net with your loop, convert it with your function, and let it classify every window of the strip.


# %% folded label="Stand-in for fit_best, if it is not solved yet"
def our_fit(net, train_batches, valid_batches, epochs, lr):
    optimizer, history, states = torch.optim.Adam(net.parameters(), lr), [], []
    for _ in range(epochs):
        net.train()
        pairs = []
        for x, y in train_batches:
            found = nn.functional.nll_loss(net(x).log_softmax(1), y)
            net.zero_grad()
            found.backward()
            optimizer.step()
            pairs.append([found.item() * len(y), len(y)])
        net.eval()
        with torch.inference_mode():
            held = [(net(x), y) for x, y in valid_batches]
            logits, y = torch.cat([a for a, _ in held]), torch.cat([b for _, b in held])
            losses_and_share = F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).double().mean().item()
        train_loss = np.sum(pairs, axis=0)
        history.append((float(train_loss[0] / train_loss[1]), *losses_and_share))
        states.append([value.clone() for value in net.state_dict().values()])
    best = min(range(epochs), key=lambda k: history[k][1])
    net.load_state_dict(dict(zip(net.state_dict(), states[best])))
    return history


# %% yours
tiny = [(torch.eye(3), torch.arange(3)), (-torch.eye(3)[:2], torch.arange(2))]
run = yours_or_ours(fit_best, our_fit, nn.Linear(3, 3), tiny, tiny, 2, 0.1)

train_set, valid_set = TensorDataset(train_images, train_labels), TensorDataset(valid_images, valid_labels)
valid_batches = OnDevice(DataLoader(valid_set, batch_size=256), device)
torch.manual_seed(0)
trained = OurClassifier(start).to(device)
history = run(trained, OnDevice(DataLoader(train_set, batch_size=32, shuffle=True), device), valid_batches, 5, 2e-3)
for epoch, (train_loss, valid_loss, accuracy) in enumerate(history, start=1):
    print(f"epoch {epoch}: training loss {train_loss:.3f}, validation loss {valid_loss:.3f}, accuracy {accuracy:.1%}")

# %% yours folded label="Draw the strip and what the net sees in it"
credit(as_convolution=to_conv, fit_best=run)
trained.cpu()
reader = nn.Sequential(to_conv(trained.hidden, (1, 28, 28)), nn.ReLU(), to_conv(trained.out, (64, 1, 1)))
with torch.no_grad():
    probability, winner = reader(strip)[0, :, 0].softmax(dim=0).max(dim=0)
figure, axes = plt.subplots(2, 1, figsize=(6.2, 4.4), layout="constrained", height_ratios=[1.5, 2])
axes[0].imshow(strip[0, 0], cmap="Blues", aspect="equal")
axes[0].set(xticks=[], yticks=[])
axes[1].plot(probability, color=COLOURS["output"], lw=2)
for place in range(0, 85, 28):
    axes[1].plot(place, probability[place], "o", color=COLOURS["output"], ms=8)
    name = classes[winner[place]].split(" - ")[0]
    axes[1].annotate(name, (place, 1.06), ha="center", fontsize=11, color=INK, annotation_clip=False)
    axes[0].axvline(place + 27.5, color=INK, lw=1)
axes[1].set(xlabel="left edge of the window", ylabel="largest probability", ylim=(0, 1.2), xticks=range(0, 85, 28))
axes[1].set_yticks([0, 0.5, 1])
axes[1].spines[["top", "right"]].set_visible(False)
show(
    figure,
    alt="Above, the strip of four images. Below, the largest of the ten probabilities for each of the 85 windows, with a dot and the predicted class where the "
    "window shows exactly one image.",
)

# %% [markdown]
# At the dots the window shows exactly one image; between them it sees parts of two, and answers anyway. (The net has no class for "none of these".)
# Many networks that locate objects in photographs slide over them in just this way.
#
# But a kernel of 28×28 needs 784 weights for each unit, and fails when an image is moved by a few pixels. Now that it *is* a convolution, nothing
# forces the kernel to be that large. Make it small, put pooling after it, stack two such layers, and you have a LeNet-like net.
#
# ### Exercise: A network from its settings
#
# Write `convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0)`. It returns one `nn.Sequential`, with all modules as its direct
# children, for images of shape `(1, side, side)`:
#
# 1. for each number in `channels` (a tuple with at least one entry): an `nn.Conv2d` to that many channels, with 3×3 kernels and one pixel of padding;
#    if `batch_norm`, an `nn.BatchNorm2d`; an `nn.ReLU`; and an `nn.MaxPool2d(2)`;
# 2. an `nn.Flatten`;
# 3. if `dropout` is greater than 0, an `nn.Dropout` with that probability;
# 4. an `nn.Linear` to `classes` logits.
#
# A convolution has no bias if batch norm follows it, because the batch norm would only remove it again; otherwise, it has one. Everything else keeps
# its default settings. `side` may be odd, but is large enough for all poolings. Every call makes a new net out of new modules, ready to be trained:
# in training mode, with all parameters trainable.
#
# <details><summary>Hint 1: a list that grows</summary>
#
# Collect the modules in a list, as in the MLP of `10_modules`, and unpack it at the end: `nn.Sequential(*modules)`.
#
# </details>
#
# <details><summary>Hint 2: two numbers to carry along</summary>
#
# The next convolution needs the number of channels that the last one produced; the linear layer needs that number, too, and the side of the last
# activation map. Each pooling turns `side` into `side // 2`.
#
# </details>


# %% exercise="convnet" difficulty=2 minutes=11
def convnet(
    channels: tuple[int, ...], side: int = 28, classes: int = 10, batch_norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Blocks of convolution, ReLU and pooling, then one linear layer, for images of shape (1, side, side)."""
    ### BEGIN SOLUTION
    modules, before = [], 1
    for after in channels:
        modules.append(nn.Conv2d(before, after, kernel_size=3, padding=1, bias=not batch_norm))
        if batch_norm:
            modules.append(nn.BatchNorm2d(after))
        modules += [nn.ReLU(), nn.MaxPool2d(2)]
        before, side = after, side // 2
    modules.append(nn.Flatten())
    if dropout > 0:
        modules.append(nn.Dropout(dropout))
    modules.append(nn.Linear(before * side * side, classes))
    return nn.Sequential(*modules)
    ### END SOLUTION


# %% check="convnet" points=2
import contextlib
import io

g = torch.Generator().manual_seed(165)


def kinds(net):
    """The modules' class names; those of torch without their package."""
    found = [module.__class__ for module in net._modules.values()]
    return [f"{'' if kind.__module__.startswith('torch.') else 'your own '}{kind.__name__}" for kind in found]


def examine(channels, **settings):
    side, classes = settings.get("side", 28), settings.get("classes", 10)
    norm, p = settings.get("batch_norm", False), settings.get("dropout", 0.0)
    what = f"convnet({', '.join([str(channels), *(f'{key}={value}' for key, value in settings.items())])})"
    net, other = convnet(channels, **settings), convnet(channels, **settings)
    require(
        isinstance(net, nn.Sequential),
        f"{what} is an nn.Sequential",
        "Nothing came back: is a return missing?" if net is None else f"It is a {type(net).__name__}.",
    )
    block = ["Conv2d", *["BatchNorm2d"] * norm, "ReLU", "MaxPool2d"]
    tail = ["Flatten", *["Dropout"] * (p > 0), "Linear"]
    fresh = net.training, all(parameter.requires_grad for parameter in net.parameters())
    wanted = block * len(channels) + tail
    known = {
        "The dropout comes before the Flatten: it belongs after it.": [
            *block * len(channels),
            "Dropout",
            "Flatten",
            "Linear",
        ],
        "nn.Dropout is there although dropout is 0.": [*block * len(channels), "Flatten", "Dropout", "Linear"],
        "There is a softmax at the end: the net returns logits.": [*wanted, "Softmax"],
        "There is only one block: is it built outside the loop over the channels?": block + tail,
        "The modules are nested: make all of them direct children of one Sequential.": ["Sequential"] * len(channels)
        + tail,
        "The batch norm comes after the ReLU: put it before.": ["Conv2d", "ReLU", *["BatchNorm2d"] * norm, "MaxPool2d"]
        * len(channels)
        + tail,
        "The batch norm is missing.": [kind for kind in wanted if kind != "BatchNorm2d"],
        "The dropout is missing.": [kind for kind in wanted if kind != "Dropout"],
        "There is a batch norm although batch_norm is False.": ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"]
        * len(channels)
        + tail,
    }
    expect(
        kinds(net),
        wanted,
        f"the modules of {what}",
        mistakes={key: value for key, value in known.items() if value != wanted},
    )
    last = up = side
    for _ in channels:
        last, up = last // 2, -(-up // 2)

    def list_shapes(before, features):
        """The parameters' shapes, if the convolutions have these input channels and the linear layer these inputs."""
        found = []
        for d, c in zip(channels, before):
            found += [(d, c, 3, 3), (d,), (d,)] if norm else [(d, c, 3, 3), (d,)]
        return [*found, (classes, features), (classes,)]

    inputs, features = (1, *channels), channels[-1] * last * last
    shapes = list_shapes(inputs, features)
    sizes = [tuple(parameter.shape) for parameter in net.parameters()]
    with_bias = []
    for d, c_in in zip(channels, (1, *channels)):
        with_bias += [(d, c_in, 3, 3), (d,), (d,), (d,)]
    if norm and sizes[:-2] == with_bias:
        require(
            False,
            f"{what}: no convolution has a bias",
            "The batch norm after it would only remove it again: bias=not batch_norm.",
        )
    if not norm and sizes[:-2] == [size for size in shapes[:-2] if len(size) == 4]:
        require(False, f"{what}: each convolution has a bias", "Only batch norm makes it useless.")
    expect(
        sizes,
        shapes,
        f"the shapes of the parameters of {what}",
        mistakes={
            "Each convolution has as many input channels as the one before it has outputs.": list_shapes(
                (1,) * len(channels), features
            ),
            "The linear layer's inputs: channels times side times side, and `side` is squared.": list_shapes(
                inputs, channels[-1] * last
            ),
            "The linear layer's inputs: a pooling halves the side and rounds down, side // 2.": list_shapes(
                inputs, channels[-1] * up * up
            ),
            "The linear layer's inputs: round the side down after *each* pooling, side // 2.": list_shapes(
                inputs, int(channels[-1] * (side / 2 ** len(channels)) ** 2)
            ),
        },
    )
    require(
        tuple(net[0](torch.zeros(1, 1, side, side)).shape[2:]) == (side, side),
        f"{what}: the first convolution keeps the size {side}×{side}",
        "Yours changes it: is the pixel of padding missing?",
    )
    if p > 0:
        expect(float(net[len(wanted) - 2].p), float(p), f"the probability of the dropout of {what}")
    norms = [(module.eps, module.momentum) for module in net if isinstance(module, nn.BatchNorm2d)]
    expect(norms, [(1e-5, 0.1)] * len(norms), f"eps and momentum of each batch norm of {what}: the defaults")
    require(
        fresh == (True, True),
        f"{what} is ready to be trained",
        "Some parameters do not require a gradient." if fresh[0] else "It is in evaluation mode.",
    )
    values = {name: value.clone() for name, value in net.state_dict().items()}
    with torch.no_grad():
        for name, value in values.items():
            if value.is_floating_point():
                value.copy_(
                    torch.rand(value.shape, generator=g) + 0.5
                    if "running_var" in name
                    else torch.randn(value.shape, generator=g) / 2
                )
    net.load_state_dict(values)
    parts = list(values.values())
    x = torch.randn(3, 1, side, side, generator=g)
    y = x
    for _ in channels:
        y = F.conv2d(y, parts.pop(0), None if norm else parts.pop(0), padding=1)
        if norm:
            gain, shift, mean, variance, _count = (parts.pop(0) for _ in range(5))
            y = F.batch_norm(y, mean, variance, gain, shift)
        y = F.max_pool2d(y.clamp(min=0), 2)
    y = F.linear(y.flatten(1), *parts)
    with torch.no_grad():
        expect(net.eval()(x), y, f"the logits of {what}, in evaluation mode", rtol=1e-3, atol=1e-3)
    require(
        not {id(module) for module in net.modules()} & {id(module) for module in other.modules()},
        f"{what}: a second call makes a new net",
        "It has modules of the first net: make new ones in every call.",
    )
    return what


def again(*case, **settings):
    """The same for other values, in one line."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case, **settings)
    print(f"✓ the same for {what}")


examine((4, 6))
again((3,), side=9, classes=4)
again((2, 5, 3), side=21, batch_norm=True)
again((3, 2), side=12, classes=3, dropout=0.25)
again((4, 4), side=11, batch_norm=True, dropout=0.5)
### BEGIN HIDDEN TESTS
again((5, 3), side=15, classes=7)
again((2, 3, 4, 5), batch_norm=True, dropout=0.1)
again((6,), side=5, classes=2, dropout=0.75)
again((3, 3, 3), side=17, batch_norm=True)
### END HIDDEN TESTS

# %% [markdown]
# ## Six models, one table
#
# The comparison: softmax regression, an MLP, the small convolutional net (the *CNN*), and the same with augmentation, with dropout and with batch
# norm. All get the training images in the same order (one of them sees each image shifted), the same optimizer and the same number of epochs.
#
# Augmentation is a data set that shifts each image by up to two pixels, anew in each epoch (`14_data_pipelines`). The label stays the same:


# %%
class Shifted(Dataset):
    """Images, each shifted at random by up to two pixels whenever it is asked for."""

    def __init__(self, images, labels):
        self.images, self.labels = F.pad(images, (2, 2, 2, 2)), labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        top, left = random.randint(0, 4), random.randint(0, 4)
        return self.images[index, :, top : top + 28, left : left + 28], self.labels[index]


shifted_set = Shifted(train_images, train_labels)

# %% folded label="Draw one image as the net will see it"
random.seed(1)
draw_images(
    [shifted_set[3][0][0] for _ in range(6)],
    [f"epoch {epoch}" for epoch in range(1, 7)],
    alt="The same training image six times, each time shifted by a few pixels in another direction.",
    columns=6,
    cell=1.0,
)


# %% folded label="Stand-in for convnet, if it is not solved yet"
def our_convnet(channels, side=28, classes=10, batch_norm=False, dropout=0.0):
    sides = [side >> number for number in range(len(channels) + 1)]
    blocks = [
        nn.Sequential(
            nn.Conv2d(c, d, 3, 1, 1, bias=not batch_norm),
            nn.BatchNorm2d(d) if batch_norm else nn.Identity(),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(small),
        )
        for c, d, small in zip((1, *channels), channels, sides[1:])
    ]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Dropout(dropout), nn.Linear(channels[-1] * sides[-1] ** 2, classes))


# %% folded label="A progress bar"
from IPython.display import display


class Progress:
    """A loader's batches; meanwhile, a bar grows over all epochs."""

    def __init__(self, loader, epochs, title):
        self.loader, self.total, self.title, self.done = loader, epochs * len(loader), title, 0
        self.bar = None if OFFLINE else display({"text/plain": title}, raw=True, display_id=True)

    def __len__(self):
        return len(self.loader)

    def __iter__(self):
        for batch in self.loader:
            yield batch
            self.done += 1
            if self.bar is not None and (self.done % max(1, self.total // 30) == 0 or self.done == self.total):
                part = 30 * self.done // self.total
                self.bar.update({"text/plain": f"{self.title:20} {'█' * part}{'·' * (30 - part)}"}, raw=True)


# %% [markdown]
# Six nets, one loop. On a CPU the clothes take two minutes or so, the digits a few seconds.
#
# **Before you run it:** rank the six by their accuracy on the validation images. Then shift the validation images by up to two pixels. Which net
# loses most? Does the plain CNN lose less than the MLP, and how much less?

# %% yours
make = yours_or_ours(convnet, our_convnet, (2,), 8, random=True)
kinds_of_nets = {
    "softmax regression": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), train_set),
    "MLP": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), train_set),
    "CNN": (lambda: make((8, 16)), train_set),
    "CNN, shifted images": (lambda: make((8, 16)), shifted_set),
    "CNN, dropout": (lambda: make((8, 16), dropout=0.5), train_set),
    "CNN, batch norm": (lambda: make((8, 16), batch_norm=True), train_set),
}
epochs, histories, nets = 6, {}, {}
for name, (make_net, data) in kinds_of_nets.items():
    random.seed(0)
    torch.manual_seed(0)
    net = make_net().to(device)
    order = torch.Generator().manual_seed(1)  # the same order of the images for all six
    shuffled = OnDevice(DataLoader(data, batch_size=32, shuffle=True, generator=order), device)
    histories[name] = run(net, Progress(shuffled, epochs, name), valid_batches, epochs, 2e-3)
    nets[name] = net.eval()


def logits_of(net, images):
    """The logits for all images, computed in parts, on the CPU."""
    with torch.no_grad():
        return torch.cat([net(part.to(device)).cpu() for part in images.split(500)])


def accuracy(net, images, labels):
    return (logits_of(net, images).argmax(dim=1) == labels).float().mean().item()


random.seed(2)
moved_images = torch.stack([image for image, _ in Shifted(valid_images, valid_labels)])  # each shifted once
print("                     parameters   best epoch   validation   shifted")
for name, net in nets.items():
    best = min(range(epochs), key=lambda k: histories[name][k][1])
    right = accuracy(net, valid_images, valid_labels), accuracy(net, moved_images, valid_labels)
    count = sum(p.numel() for p in net.parameters())
    print(f"{name:20} {count:11,} {best + 1:12} {right[0]:12.1%} {right[1]:9.1%}")

# %% yours folded label="Draw the learning curves"
credit(fit_best=run, convnet=make)
figure, axes = plt.subplots(2, 1, figsize=(5.8, 6.6), sharex=True, layout="constrained")
styles = [
    ("plain", ":", "o"),
    ("plain", "-", "s"),
    ("output", "-", "o"),
    ("learned", "--", "^"),
    ("input", "--", "D"),
    ("loss", "-", "v"),
]
for (name, history), (role, line, marker) in zip(histories.items(), styles):
    steps = range(1, epochs + 1)
    for ax, column in zip(axes, (1, 2)):
        values = [row[column] for row in history]
        ax.plot(steps, values, line, marker=marker, ms=5, color=COLOURS[role], lw=1.8, label=name)
axes[0].set(ylabel="validation loss", yscale="log")
axes[1].set(ylabel="validation accuracy", xlabel="epoch")
limits, ticks = axes[0].get_ylim(), [0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1, 2]
axes[0].set_yticks(ticks, map(str, ticks))
axes[0].set_yticks([], minor=True)
axes[0].set_ylim(limits)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
axes[1].legend(fontsize=10, frameon=False)
show(
    figure,
    alt="Learning curves of the six nets over six epochs: above the validation loss on a logarithmic scale, below the validation accuracy. "
    "Each net has a line style and a marker of its own.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Look at the column *validation* first. On images as they are, the six are not far apart: an image in a known place is not hard, and with so few
# epochs and images, the nets that are easiest to train do well. Batch norm lets the CNN learn faster, which shows most where there are few steps, as
# with the digits. Dropout and shifts make the task *harder*; they pay off in longer training, when the other nets overfit.
#
# On shifted images the order changes. Softmax regression and the MLP know each pixel by its place. A convolution finds a pattern wherever it is, but
# the last, linear layer knows places again, so the plain CNN loses, too: with the digits, of which there are few, almost as much as the MLP; with the
# clothes, about half as much. The net that has *seen* shifts loses least. No architecture is a substitute for training data like the images that the
# net will meet.
#
# And the CNN has less than a tenth of the MLP's parameters.
#
# </details>
#
# ### What an epoch costs
#
# Parameters are one cost, time is another. For each image, softmax regression multiplies 7,840 times. The CNN multiplies
# $8 \cdot 9 \cdot 28^2 + 16 \cdot 8 \cdot 9 \cdot 14^2 + 7840 \approx 290{,}000$ times: 37 times as often.
#
# **Before you run it:** with the same batches, does an epoch of the CNN take about 37 times as long, more, or less? And on a GPU?

# %% predict varies
from time import perf_counter


def epoch_seconds(net, device, batch_size=32):
    """The time of the fastest of 100 training steps, times the number of steps in an epoch."""
    net, times = net.to(device).train(), []
    x, y = train_images[:batch_size].to(device), train_labels[:batch_size].to(device)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(100):
        begin = perf_counter()
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()  # 06: wait until the GPU is done
        times.append(perf_counter() - begin)
    return min(times) * len(train_images) / batch_size


for place in [torch.device("cpu")] + [device] * (device.type == "cuda"):
    linear = epoch_seconds(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), place)
    small = epoch_seconds(our_convnet((8, 16)), place)
    print(f"{place.type:4}  softmax regression {linear:.3f} s, CNN {small:.3f} s per epoch: {small / linear:.1f} times")
if device.type == "cpu":
    print("(no GPU here; in Colab: Runtime → Change runtime type)")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Usually less than 37 times; how much less depends on the machine. A step of the linear net is so small that most of its time is not arithmetic:
# calling the optimizer, building autograd's graph. The CNN has only a little more of this overhead, so its extra arithmetic is added to a step that was
# slow already.
#
# On a GPU both take about the same time, because even the CNN is far too small to keep it busy: what you wait for is Python. There, larger batches
# and larger nets cost almost nothing extra, until the GPU is full (`06_batch_processing`).
#
# </details>
#
# ## Where the best net is wrong
#
# Which net is the best? The job decides. Suppose that ours must recognise images that are *not* centred. Then the last column of the table counts,
# and from now on validation and test images are shifted ones: held-back images must look like those that the net will meet.
#
# One number hides a lot. Which classes are mistaken for which? Count the pairs: row $i$, column $j$ of the **confusion matrix** says how many images
# of class $i$ were taken for class $j$.
#
# ### Exercise: Confusion matrix
#
# Write `confusion(predicted, labels, k)`. `predicted` and `labels` are int64 tensors of shape `(N,)` with class numbers from 0 to `k - 1`. Return an
# int64 tensor of shape `(k, k)`: entry `[i, j]` is the number of samples with label `i` that were predicted as `j`. Some classes may not occur, some
# pairs may occur thousands of times, and `k` is often more than ten. Both arguments are left as they were.
#
# <details><summary>Hint 1: one number for each pair</summary>
#
# The pair (i, j) can be written as one number, like a two-digit number in base `k`.
#
# </details>
#
# <details><summary>Hint 2: counting</summary>
#
# `torch.bincount(numbers, minlength=…)` counts how often each number occurs. A loop over the samples works as well, only more slowly. Beware of
# `matrix[labels, predicted] += 1`: a pair that occurs twice is counted once.
#
# </details>


# %% exercise="confusion" difficulty=1 minutes=6
def confusion(predicted: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """How often each class (row) was predicted as each class (column): (k, k), int64.

    predicted, labels: (N,), int64, 0 to k - 1.
    """
    ### BEGIN SOLUTION
    return torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)
    ### END SOLUTION


# %% check="confusion" points=1
g = torch.Generator().manual_seed(166)


def examine(n, k, some=None):
    """Draw labels and predictions; some: only these classes occur among the labels."""
    labels = torch.randint(0, k, (n,), generator=g)
    if some is not None:
        labels = torch.tensor(some)[labels % len(some)]
    predicted = torch.where(torch.rand(n, generator=g) < 0.6, labels, torch.randint(0, k, (n,), generator=g))
    before = predicted.clone(), labels.clone()
    wanted = np.zeros((k, k), dtype=np.int64)
    np.add.at(wanted, (labels.numpy(), predicted.numpy()), 1)
    wanted = torch.from_numpy(wanted)
    what = f"{n} sample{'s' * (n > 1)}, {k} classes" + ("" if some is None else f", labels only from {some}")
    answer = confusion(inplace(predicted), inplace(labels), k)
    after = {"predicted": predicted, "labels": labels}
    expect(after, dict(zip(after, before)), f"{what}: the arguments are left as they were")
    expect(
        answer,
        wanted,
        f"{what}: the confusion matrix",
        mistakes={
            "Rows and columns are swapped: the label is the row.": wanted.t().contiguous(),
            "Repeated pairs are counted only once: matrix[labels, predicted] += 1 does not accumulate.": wanted.clamp(
                max=1
            ),
            "These are shares: the numbers themselves were asked for.": wanted / n,
            "These are shares of each class: the numbers themselves were asked for.": wanted
            / wanted.sum(1, keepdim=True),
            "The numbers are floats: make them int64.": wanted.float(),
            "The counts overflow: uint8 ends at 255.": wanted % 256,
            "Only the right answers are counted.": torch.diag(wanted.diagonal()),
            "Only the wrong answers are counted.": wanted - torch.diag(wanted.diagonal()),
        }
        if n > 1
        else {},
    )


examine(40, 3)
examine(200, 12)
examine(12, 6, some=[1, 4])
examine(1, 2)
examine(9000, 2)
### BEGIN HIDDEN TESTS
examine(60, 4)
examine(300, 7, some=[0, 2, 3])
examine(5, 14)
### END HIDDEN TESTS


# %% folded label="Stand-in for the exercise, if it is not solved yet"
def our_confusion(predicted, labels, k):
    return torch.tensor([[int(((labels == i) & (predicted == j)).sum()) for j in range(k)] for i in range(k)])


# %% [markdown]
# We take the net that is best on shifted validation images.
#
# **Before you run it:** which class will it most often mistake for which other one? (The classes are named above the images at the beginning.)

# %% yours
table_of = yours_or_ours(confusion, our_confusion, torch.tensor([0, 1, 1]), torch.tensor([0, 1, 2]), 3)
best_name = max(nets, key=lambda name: accuracy(nets[name], moved_images, valid_labels))
best_net = nets[best_name]
valid_logits = logits_of(best_net, moved_images)
matrix = table_of(valid_logits.argmax(dim=1), valid_labels, 10)
wrong = matrix - torch.diag(matrix.diagonal())
i, j = divmod(int(wrong.argmax()), 10)
print(f"the best: {best_name}; {int(wrong.sum())} of {len(valid_labels)} wrong")
print(f"most often: {classes[i]} taken for {classes[j]}, {int(wrong[i, j])} times")

# %% yours folded label="Draw the confusion matrix"
credit(fit_best=run, convnet=make, confusion=table_of)
figure, ax = plt.subplots(figsize=(5.8, 5.8), layout="constrained")
largest = max(1, int(wrong.max()))
ax.imshow(wrong / largest, cmap="Reds", vmin=0, vmax=2)
for i in range(10):
    ax.add_artist(plt.Rectangle((i - 0.5, i - 0.5), 1, 1, facecolor="#E3EFE9", edgecolor="white"))
    for j in range(10):
        count = int(matrix[i, j])
        if count:
            ax.text(
                j, i, count, ha="center", va="center", fontsize=11, color=INK, weight="bold" if i == j else "normal"
            )
ticks = {"ticks": range(10), "labels": [name.split("/")[0].split(" - ")[0] for name in classes]}
ax.set_xticks(**ticks, rotation=45 if max(map(len, ticks["labels"])) > 5 else 0, fontsize=11)
ax.set_yticks(**ticks, fontsize=11)
ax.set_xlabel("predicted", fontsize=12)
ax.set_ylabel("true class", fontsize=12)
show(
    figure,
    alt="The confusion matrix as a table of ten rows, the true classes, and ten columns, the predicted ones. Right answers stand on the green diagonal; "
    "the redder another cell is, the more frequent is the mistake.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Nets confuse what looks alike in pixels. Among the clothes that is above all the shirt, which looks like a T-shirt, a coat or a pullover at 28×28
# pixels; trousers and bags are hardly ever mistaken. Among the digits it is those that share strokes, such as 8, 9, 3 and 1. The matrix is often not
# symmetric: when in doubt, a net prefers one of the two.
#
# </details>
#
# ### Exercise: The worst mistakes
#
# The most instructive images are those on which the net is wrong and gives the true class hardly any probability. Write
# `most_wrong(logits, labels, k)`. It returns the positions of the `k` wrongly classified samples with the largest cross-entropy, largest first.
#
# - `logits` has shape `(N, C)`, float32 or float64; `labels` shape `(N,)`, int64. A sample is wrong if its largest logit is not that of its label,
#   however small the difference. Return an int64 tensor of shape `(k,)`.
# - If fewer than `k` samples are wrong, return all of these; if there are none, the shape is `(0,)`. Correctly classified samples are never among
#   them.
# - Logits may be as large as ±10,000, where probabilities round to 0 and 1. No two of the cross-entropies to compare are equal when they are computed
#   in the dtype of `logits`, and no row has two largest logits.
# - Both arguments are left as they were.
#
# <details><summary>Hint 1: the loss of each sample</summary>
#
# `F.cross_entropy(logits, labels, reduction="none")` has shape `(N,)`.
#
# </details>
#
# <details><summary>Hint 2: only the wrong ones</summary>
#
# `(logits.argmax(dim=1) != labels).nonzero()[:, 0]` gives their positions in the whole batch. Sort *these* by their losses, and mind which positions
# you return: those in the batch, not those in the selection.
#
# </details>


# %% exercise="most_wrong" difficulty=2 minutes=9
def most_wrong(logits: torch.Tensor, labels: torch.Tensor, k: int) -> torch.Tensor:
    """The positions of the k wrong answers with the largest cross-entropy, largest first.

    logits: (N, C). labels: (N,), int64. Returns: at most k positions, int64.
    """
    ### BEGIN SOLUTION
    loss = F.cross_entropy(logits, labels, reduction="none")
    wrong = (logits.argmax(dim=1) != labels).nonzero()[:, 0]
    order = loss[wrong].argsort(descending=True)
    return wrong[order][:k]
    ### END SOLUTION


# %% check="most_wrong" points=2
g = torch.Generator().manual_seed(167)


def examine(n, c, k, scale=2.0, dtype=torch.float32, share=0.5, near=False, alike=False):
    """Draw logits of which about a share is wrong; near: some only just; alike: some by almost the same."""
    logits = (scale * torch.randn(n, c, generator=g, dtype=torch.float64)).to(dtype)
    labels = torch.where(torch.rand(n, generator=g) < share, torch.randint(0, c, (n,), generator=g), logits.argmax(1))
    rows = (logits.argmax(1) != labels).nonzero()[:, 0].tolist()
    for number, row in enumerate(rows[:3]):
        if near:
            logits[row, labels[row]] = logits[row].max() - 0.02 * (number + 1)
        if alike:
            logits[row], labels[row] = logits[rows[0]], labels[rows[0]]
            logits[row, labels[row]] -= 1e-9 * number
    before = logits.clone(), labels.clone()
    table = logits.double().numpy()
    true = table[np.arange(n), labels.numpy()]
    top = table.max(axis=1)
    loss = top - true + np.log(np.exp(table - top[:, None]).sum(axis=1))
    bad = np.flatnonzero(true < top)
    wanted = torch.from_numpy(bad[np.argsort(-loss[bad])][:k])
    every, margin = torch.from_numpy(np.argsort(-loss)[:k].copy()), torch.from_numpy(bad[np.argsort(-top[bad])][:k])
    chance = logits.float().softmax(dim=1).double().numpy()
    sure = torch.from_numpy(bad[np.argsort(-chance.max(axis=1)[bad])][:k])
    rounded = np.argsort(chance[np.arange(n), labels.numpy()][bad], kind="stable")
    what = f"{n} samples, {len(bad)} of them wrong, {c} classes, k = {k}, logits up to {np.abs(table).max():.0f}"
    what += ("" if dtype == torch.float32 else ", float64") + (", some only just wrong" if near else "")
    what += ", some losses differ by 0.000000001" if alike else ""
    answer = most_wrong(inplace(logits), inplace(labels), k)
    after = {"logits": logits, "labels": labels}
    expect(after, dict(zip(after, before)), f"{what}: the arguments are left as they were")
    order = np.argsort(-loss[bad])[:k].copy()
    known = {
        "They come in the wrong order: the largest loss first.": torch.flip(wanted, (0,)),
        "These are the smallest losses of the wrong samples: take the largest.": torch.from_numpy(
            bad[np.argsort(loss[bad])][:k]
        ),
        "Samples that are right are among them.": every,
        "All wrong samples are returned: only k were asked for.": torch.from_numpy(bad[np.argsort(-loss[bad])]),
        "These are positions among the wrong samples: positions in the whole batch were asked for.": torch.from_numpy(
            order
        ),
        "These are the losses: their positions were asked for.": torch.from_numpy(
            np.sort(loss[bad])[::-1][:k].copy()
        ).to(dtype),
        "The shape is (k, 1): drop the last dimension of nonzero().": wanted[:, None],
        "They are sorted by the largest logit, not by the loss.": margin,
        "This is a list: return a tensor.": wanted.tolist(),
    }
    if scale > 100:
        known |= {
            "The probabilities round to 0 here, so they say nothing about the order: compute the loss from the logits.": (
                torch.from_numpy(bad[rounded][:k])
            ),
        }
    else:
        known |= {
            "They are sorted by how sure the net is of its answer, not by the loss.": sure,
            "They are in the order of the batch: sort them by their loss.": torch.from_numpy(bad[:k]),
        }
    expect(answer, wanted, what, mistakes=known if len(bad) > k else {})


examine(40, 4, 10, scale=0.4)
examine(12, 3, 20)
examine(9, 5, 3, share=0.0)
examine(40, 6, 6, scale=3000.0)
examine(25, 10, 20, dtype=torch.float64, alike=True)
examine(12, 4, 12, scale=3000.0, near=True)
### BEGIN HIDDEN TESTS
examine(50, 5, 14, scale=0.4)
examine(8, 2, 8, dtype=torch.float64)
examine(30, 3, 30, dtype=torch.float64, alike=True)
examine(60, 4, 9, scale=2500.0)
examine(1, 3, 2, share=0.0)
### END HIDDEN TESTS


# %% folded label="Stand-in for the exercise, if it is not solved yet"
def our_most_wrong(logits, labels, k):
    log_p = logits.log_softmax(1)[range(len(labels)), labels].tolist()
    wrong = [n for n, row in enumerate(logits.tolist()) if max(row) > row[labels[n]]]
    return torch.tensor(sorted(wrong, key=log_p.__getitem__)[:k], dtype=torch.int64)


# %% yours
worst_of = yours_or_ours(most_wrong, our_most_wrong, torch.eye(3), torch.tensor([0, 2, 1]), 2)
worst = worst_of(valid_logits, valid_labels, 8)

# %% yours folded label="Draw the worst mistakes"
credit(fit_best=run, convnet=make, most_wrong=worst_of)
names = [name.split("/")[0] for name in classes]
said = valid_logits[worst].softmax(dim=1).max(dim=1)
draw_images(
    list(moved_images[worst, 0]),
    [
        f"{names[valid_labels[n]]}, not\n{names[guess]} ({p:.0%})"
        for n, guess, p in zip(worst.tolist(), said.indices.tolist(), said.values.tolist())
    ],
    alt="The validation images with the largest losses. Above each are its true class, the class that the net predicted and how sure it was.",
    columns=4,
    cell=1.4,
)

# %% [markdown]
# Above each image is the true class, then what the net said and how sure it was of that. Look at them one by one: this tells you more than any table.
# Some are hard for you, too. Some may have the wrong label. And some may make you want to change the training data.
#
# ### What the first layer looks for
#
# Weights that meet the pixels directly can be looked at. Each unit of the MLP's first layer has 28×28 of them, each kernel of the CNN has 3×3. Here
# are the eight units of the MLP with the largest weights and the eight kernels of the CNN's first layer:

# %% yours folded label="Draw eight units of the MLP, eight kernels of the CNN"
credit(fit_best=run, convnet=make)
first_rows = nets["MLP"][1].weight.detach().cpu()
strongest = first_rows.norm(dim=1).argsort(descending=True)[:8]
kernels = next(nets["CNN"].parameters())
draw_images(
    [*first_rows[strongest].reshape(8, 28, 28), *kernels.detach().cpu()[:, 0]],
    [f"MLP, unit {n}" for n in strongest.tolist()] + [f"CNN, kernel {n}" for n in range(8)],
    alt="Above, the weights of eight units of the MLP as images of 28×28: large orange and purple spots where the images have ink, noise at the edge. "
    "Below, the eight 3×3 kernels of the CNN: several have one orange and one purple side.",
    signed=True,
    columns=4,
    cell=1.4,
)

# %% [markdown]
# Orange is positive, purple negative. A unit of the MLP looks like a smudged image: it responds to ink in some places and its absence in others.
# Where all training images are empty (with the digits, the whole frame), the weights still have their random initial values: their gradient has
# always been zero. Several kernels of the CNN have an orange side and a purple one: they find edges and corners, wherever they are, like the ones
# that you designed by hand in `07_convolution`.
#
# ## Your own
#
# Now without a recipe. The training images are few and all centred; the images to recognise are not.
#
# ### Exercise: A CNN for shifted digits
#
# Write `train_cnn(images, labels)`. `images` holds 600 to 1,000 handwritten digits of shape `(N, 1, 8, 8)`, float32, values 0 to 1; `labels` their
# classes 0 to 9, int64. Train a module that turns a batch `(N, 1, 8, 8)` into `(N, 10)` logits, and return it.
#
# - It is a CNN: every path from the pixels to the logits goes through a plain `nn.Conv2d` that is part of it and whose kernels have more than one
#   pixel, and fewer than eight rows and columns. It has at most 20,000 parameters.
# - It is right on at least **80 %** of other, centred digits, and on at least **70 %** of these digits when each is shifted by up to one pixel,
#   vertically and horizontally (pixels that leave the image are lost, and zeros come in on the other side).
# - It is in evaluation mode when you return it. Then its logits for an image are always the same, alone or among others in a batch.
# - `images` and `labels` are left as they were.
#
# In the check, the classes are renumbered and the digits transposed, so the net has to learn from `images` and `labels`. A few seconds of training
# are plenty. You may call your earlier functions, but then this exercise depends on them.
#
# <details><summary>Hint 1: a plan</summary>
#
# A small net: two convolutions with 3×3 kernels, ReLUs, one pooling, one linear layer. Adam with a learning rate of 0.01, batches of 40, two to three
# hundred steps. With 8 and 16 channels, that is enough.
#
# </details>
#
# <details><summary>Hint 2: good on centred digits, bad on shifted ones</summary>
#
# Show it shifted digits while it trains. `F.pad(images, (1, 1, 1, 1))` makes 10×10 images, and every 8×8 window of one is a shifted digit:
# `padded[:, :, i : i + 8, j : j + 8]` with `i` and `j` from 0 to 2. Draw a shift anew for each batch, or put all nine into one large training set.
#
# </details>


# %% exercise="train_cnn" difficulty=3 minutes=18
def train_cnn(images: torch.Tensor, labels: torch.Tensor) -> nn.Module:
    """A trained CNN for 8×8 digits, in evaluation mode.

    images: (N, 1, 8, 8), values 0 to 1. labels: (N,), int64, 0 to 9.
    """
    ### BEGIN SOLUTION
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 10),
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    padded = F.pad(images, (1, 1, 1, 1))
    x = torch.cat([padded[:, :, i : i + 8, j : j + 8] for i in range(3) for j in range(3)])  # all nine shifts
    y = labels.repeat(9)
    for batch in torch.randperm(len(x)).split(40):
        optimizer.zero_grad()
        F.cross_entropy(net(x[batch]), y[batch]).backward()
        optimizer.step()
    return net.eval()
    ### END SOLUTION


# %% check="train_cnn" points=3
import contextlib
import io

g = torch.Generator().manual_seed(168)
digits, digit_classes = load_digits()


def examine(first, count, slack=0.0):
    """Train on some digits, test on others, centred and shifted; slack: how much less accuracy will do."""
    order = torch.randperm(len(digits), generator=g)
    seen, others = order[first : first + count], torch.cat([order[:first], order[first + count :]])[:600]
    x, y = digits[:, None].transpose(2, 3) / 16, torch.randperm(10, generator=g)[digit_classes]
    given, answers = x[seen].contiguous(), y[seen].contiguous()
    before = given.clone(), answers.clone()
    what = f"{count} digits"
    net = train_cnn(inplace(given), inplace(answers))
    after = {"images": given, "labels": answers}
    expect(after, dict(zip(after, before)), f"{what}: images and labels are left as they were")
    require(
        isinstance(net, nn.Module),
        f"{what}: train_cnn returns a module",
        f"It returns {'None: is a return missing?' if net is None else f'a {type(net).__name__}.'}"
        + (" Are the parentheses of net.eval() missing?" if callable(net) else ""),
    )
    modes = {module.training for module in net.modules()}
    require(
        modes == {False},
        f"{what}: the net is in evaluation mode",
        "Some of it is in training mode: call net.eval() at the end.",
    )
    size = sum(parameter.numel() for parameter in net.parameters())
    require(size <= 20_000, f"{what}: at most 20,000 parameters", f"It has {size:,}.")
    with torch.no_grad():
        centred = net(x[others])
        frame = F.pad(x[others], (1, 1, 1, 1))
        places = torch.randint(0, 3, (len(others), 2), generator=g).tolist()
        knocked = torch.stack([image[:, i : i + 8, j : j + 8] for image, (i, j) in zip(frame, places)])
        shifted = net(knocked)
    expect(tuple(centred.shape), (len(others), 10), f"{what}: the shape of net(x) for {len(others)} images")
    with torch.no_grad():
        alone = [net(x[n : n + 1]) for n in others[:5].tolist()]
    title = f"{what}: net(x) for one image"
    expect(tuple(alone[0].shape), (1, 10), f"{title}: the shape", mistakes={"Leave out squeeze().": (10,)})
    require(
        torch.allclose(torch.cat(alone), centred[:5], rtol=1e-3, atol=1e-3),
        f"{title}: the same logits as among others",
        "They differ, in evaluation mode: does `forward` use random numbers, or numbers computed from the whole batch?",
    )
    total = centred.sum(1)
    require(
        not bool(torch.isclose(total, torch.ones(()), atol=1e-4).all()),
        f"{what}: the outputs are logits, not probabilities",
        "They add up to 1: leave the softmax out of the net. F.cross_entropy contains it.",
    )
    for title, found, least in (("centred", centred, 0.80 - slack), ("shifted", shifted, 0.70 - slack)):
        right = (found.argmax(1) == y[others]).float().mean().item()
        advice = f"It is right on {right:.1%} of them."
        if right < 0.3 and title == "centred":
            advice += " That is close to guessing: is optimizer.step() called? Is the loss the right one? Are the gradients cleared? Is the ReLU missing, or is there one at the end?"
        elif title == "shifted":
            advice += (
                " Show it shifted digits in training." if right < 0.58 else " Train it longer, or with more channels."
            )
        require(right >= least, f"{what}: right on at least {least:.0%} of other digits, {title}", advice)
    every = [module for module in net.modules() if isinstance(module, nn.Conv2d)]
    sizes = [tuple(module.weight.shape[2:]) for module in every]
    convolutions = [module for module, size in zip(every, sizes) if (1, 1) < size and max(size) < 8]
    require(
        len(convolutions) > 0,
        f"{what}: it has an nn.Conv2d whose kernels have more than one pixel, and fewer than eight rows and columns",
        f"Its kernels are {', '.join(f'{a}×{b}' for a, b in sizes)}."
        if every
        else "It has no nn.Conv2d: is it an MLP?",
    )
    with torch.no_grad():
        for module in convolutions:
            module.weight.zero_()
        blind = net(x[others[:20]])
    require(
        bool((blind - blind[:1]).abs().max() <= 1e-4 * (1 + blind.abs().max())),
        f"{what}: with the weights of these convolutions set to 0, it answers the same for all images",
        "It does not: some path goes around the convolutions.",
    )
    return what


def again(*case, **settings):
    """The same for other values, in one line."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case, **settings)
    print(f"✓ the same for {what}")


examine(0, 600)
### BEGIN HIDDEN TESTS
again(900, 620, slack=0.05)  # whoever just passed above must not fail by chance here
### END HIDDEN TESTS

# %% [markdown]
# ## The model card
#
# A file with weights is no use to anyone who does not know what is in it. A **model card** (Mitchell and others, 2019) goes with it: what the model
# is for, how large it is, how good it is, and what it is *not* good for.
#
# ### Exercise: A model card
#
# Write `model_card(net, classes, logits, labels)`. `net` is the model; `classes` is a list of $K$ different class names; `logits` of shape `(N, K)`
# are its answers to $N$ test images and `labels` their classes, int64 of shape `(N,)`. Return a dict with exactly these keys:
#
# | key | value |
# |---|---|
# | `"parameters"` | the number of parameters of `net`, frozen ones included; one that is shared counts once (`int`) |
# | `"bytes"` | the memory that its parameters and buffers take (each is in `state_dict()`); a shared tensor counts once (`int`) |
# | `"accuracy"` | the share of right answers (`float`) |
# | `"recall"` | a dict from each class name to the share of its images that were recognised (`float`), or `None` if it has no images |
# | `"weakest"` | of the classes that have images, the name of the one with the smallest recall; of several, the first in `classes` |
# | `"confusion"` | the most frequent mistake: a tuple of true class, predicted class, how often (`str`, `str`, `int`); `None` if there is none |
#
# A for B and B for A are two different mistakes. No two mistakes share the first place. No row of `logits` has two largest values. `net` (its mode,
# too) and the other arguments are left as they were.
#
# <details><summary>Hint 1: bytes</summary>
#
# A tensor takes `numel() * element_size()` bytes. `net.buffers()` are the tensors that belong to a module but are not trained, such as the running
# averages of a batch norm.
#
# </details>
#
# <details><summary>Hint 2: all from one matrix</summary>
#
# The confusion matrix holds everything that the last four entries need: right answers are on its diagonal, and a row's sum is the number of images of
# that class.
#
# </details>
#
# <details><summary>Hint 3: Python numbers</summary>
#
# `tensor.item()` turns one number into a Python number. An `int` divided by an `int` is a `float`.
#
# </details>


# %% exercise="model_card" difficulty=2 minutes=12
def model_card(net: nn.Module, classes: list[str], logits: torch.Tensor, labels: torch.Tensor) -> dict:
    """The facts about a trained classifier.

    classes: K names. logits: (N, K), the answers to N test images. labels: (N,), int64.
    """
    ### BEGIN SOLUTION
    k = len(classes)
    predicted = logits.argmax(dim=1)
    counts = torch.bincount(labels * k + predicted, minlength=k * k).reshape(k, k).tolist()
    recall = {name: row[i] / sum(row) if sum(row) else None for i, (name, row) in enumerate(zip(classes, counts))}
    known = [name for name in classes if recall[name] is not None]
    mistakes = [(counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j]]
    often, i, j = max(mistakes, default=(0, 0, 0))
    return {
        "parameters": sum(p.numel() for p in net.parameters()),
        "bytes": sum(t.numel() * t.element_size() for t in [*net.parameters(), *net.buffers()]),
        "accuracy": sum(counts[i][i] for i in range(k)) / len(labels),
        "recall": recall,
        "weakest": min(known, key=recall.get),
        "confusion": (classes[i], classes[j], often) if often else None,
    }
    ### END SOLUTION


# %% check="model_card" points=2
import contextlib
import io

g = torch.Generator().manual_seed(169)


def examine(net, what, names, size, bytes_, row_counts, twists):
    """row_counts[i]: images of class i; twists: (true, predicted, how many)."""
    k = len(names)
    pairs = []
    for i, count in enumerate(row_counts):
        wrong = [j for true, j, many in twists if true == i for _ in range(many)]
        pairs += [(i, j) for j in wrong] + [(i, i)] * (count - len(wrong))
    order = torch.randperm(len(pairs), generator=g).tolist()
    pairs = [pairs[n] for n in order]
    labels = torch.tensor([i for i, _ in pairs])
    logits = torch.randn(len(pairs), k, generator=g)
    logits[range(len(pairs)), [j for _, j in pairs]] += 12
    logits -= 9  # the largest logit may be negative
    given, before = list(names), (logits.clone(), labels.clone())
    mode, values = net.training, {name: value.clone() for name, value in net.state_dict().items()}
    card = model_card(inplace(net), inplace(given), inplace(logits), inplace(labels))
    after = {"classes": given, "logits": logits, "labels": labels}
    expect(after, dict(zip(after, (list(names), *before))), f"{what}: classes, logits and labels are left as they were")
    expect(dict(net.state_dict()), values, f"{what}: net is left as it was")
    require(
        net.training == mode,
        f"{what}: net stays in its mode",
        "Do not call train() or eval(): the net need not run.",
    )
    if not isinstance(card, dict):
        require(
            False,
            f"{what}: the card is a dict",
            "Nothing came back: is a return missing?" if card is None else "It is something else.",
        )
    keys = ["parameters", "bytes", "accuracy", "recall", "weakest", "confusion"]
    expect(sorted(map(str, card)), sorted(keys), f"{what}: the keys")
    trainable = sum(p.numel() for p in net.parameters() if p.requires_grad)
    expect(
        card["parameters"],
        size,
        f"{what}: parameters",
        mistakes={
            "Frozen parameters count, too.": trainable,
            "This is the number of tensors: count their elements.": len(list(net.parameters())),
        },
    )
    weights = sum(p.numel() * p.element_size() for p in net.parameters())
    expect(
        card["bytes"],
        bytes_,
        f"{what}: bytes",
        mistakes={
            "The buffers are missing.": weights,
            "Not every element takes four bytes: use element_size().": 4
            * sum(t.numel() for t in [*net.parameters(), *net.buffers()]),
            "A shared tensor is counted twice: net.state_dict() lists it under each of its names.": sum(
                t.nbytes for t in net.state_dict().values()
            ),
        },
    )
    wrong, n = sum(many for _, _, many in twists), len(pairs)
    expect(
        card["accuracy"],
        (n - wrong) / n,
        f"{what}: accuracy",
        mistakes={
            "This is a tensor: .item() makes a float of it.": torch.tensor((n - wrong) / n),
            "This is a percentage: give the fraction.": 100 * (n - wrong) / n,
            "This is the share of wrong answers.": wrong / n,
            "This is the number of right answers: divide by the number of images.": n - wrong,
        },
    )
    missed = [sum(many for true, _, many in twists if true == i) for i in range(k)]
    taken = [sum(many for _, j, many in twists if j == i) for i in range(k)]
    recall = {name: (c - m) / c if c else None for name, c, m in zip(names, row_counts, missed)}
    precision = {
        name: (c - m) / (c - m + t) if c - m + t else None for name, c, m, t in zip(names, row_counts, missed, taken)
    }
    known = {
        "These are shares of the images predicted as a class (precision): divide by the images of the class.": precision,
        "A class without images has the recall None, not 0.": {name: value or 0.0 for name, value in recall.items()},
        "A class without images has the recall None, not nan.": {
            name: float("nan") if value is None else value for name, value in recall.items()
        },
        "These are numbers of images: divide by the images of the class.": {
            name: c - m for name, c, m in zip(names, row_counts, missed)
        },
        "The keys are numbers: use the class names.": dict(enumerate(recall.values())),
        "Classes without images are missing: give them None.": {
            name: value for name, value in recall.items() if value is not None
        },
    }
    expect(card["recall"], recall, f"{what}: recall", mistakes=known)
    there = [name for name in names if recall[name] is not None]
    advice = "This class has no images here, so it has no recall and cannot be the weakest."
    absent = {advice: names[row_counts.index(0)]} if 0 in row_counts else {}
    expect(
        card["weakest"],
        min(there, key=recall.get),
        f"{what}: weakest",
        mistakes=absent
        | {
            "This is the class with the largest recall.": max(there, key=recall.get),
            "This is the last of several with the smallest recall: give the first in `classes`.": min(
                there[::-1], key=recall.get
            ),
        }
        | (
            {"This class has the most mistakes, but the recall decides.": names[max(range(k), key=missed.__getitem__)]}
            if twists
            else {}
        ),
    )
    most = max(twists, key=lambda twist: twist[2], default=None)
    if most is None:
        found = card["confusion"]
        require(found is None, f"{what}: confusion", f"Without a mistake, the entry is None; yours is {found!r}.")
        return what
    named = names[most[0]], names[most[1]], most[2]
    often = max(range(k), key=lambda i: row_counts[i] - missed[i])
    back = {(i, j): many for i, j, many in twists}
    i, j, many = max(twists, key=lambda twist: twist[2] + back.get((twist[1], twist[0]), 0))
    expect(
        card["confusion"],
        named,
        f"{what}: confusion",
        mistakes={
            "This is a right answer: leave out the diagonal.": (
                names[often],
                names[often],
                row_counts[often] - missed[often],
            ),
            "A for B and B for A are different mistakes: do not add them up.": (names[i], names[j], many),
            "True and predicted class are swapped.": (named[1], named[0], named[2]),
            "The classes are numbers: use their names.": most,
            "This is a list: a tuple was asked for.": list(named),
            "The number is missing.": named[:2],
        },
    )
    return what


def again(*case, **settings):
    """The same for other values, in one line."""
    with contextlib.redirect_stdout(io.StringIO()):
        what = examine(*case, **settings)
    print(f"✓ the same for {what}")


shared = nn.Linear(3, 3)
small = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2, bias=False))
small[0].weight.requires_grad_(False)
double = nn.Sequential(nn.Linear(5, 2).double(), shared, nn.ReLU(), shared).eval()
tied = nn.Sequential(shared, nn.ReLU(), shared)
half = nn.Sequential(nn.Linear(6, 4).half(), nn.BatchNorm1d(4))
half[0].requires_grad_(False)
NAMES = ["coat", "shirt", "bag", "boot", "dress"]
examine(
    small,
    "a net with a frozen weight and a batch norm",
    NAMES[:3],
    27,
    140,
    (40, 20, 10),
    [(0, 1, 6), (1, 0, 1), (2, 1, 3)],
)
again(
    double,
    "a net with float64 and a shared layer, one class without images",
    NAMES,
    24,
    144,
    (16, 40, 0, 12, 8),
    [(0, 4, 3), (1, 0, 9), (3, 4, 6), (4, 3, 4)],
)
again(
    tied, "a net with a shared layer that makes no mistake, one class without images", NAMES[1:4], 12, 48, (0, 3, 5), []
)
again(half, "a net with float16", NAMES[:2], 36, 128, (4, 6), [(0, 1, 3), (1, 0, 1)])
### BEGIN HIDDEN TESTS
again(
    half,
    "a net with float16 and a batch norm, one class without images",
    NAMES[:4],
    36,
    128,
    (9, 0, 20, 16),
    [(2, 1, 5), (3, 2, 4), (0, 3, 2), (2, 0, 1)],
)
again(tied, "a net with a shared layer", NAMES[:2], 12, 48, (4, 6), [(0, 1, 3), (1, 0, 1)])
again(small, "a net that makes no mistake, one class without images", NAMES[:3], 27, 140, (0, 2, 1), [])
### END HIDDEN TESTS


# %% folded label="Stand-in for the exercise, if it is not solved yet"
def our_card(net, classes, logits, labels):
    table = our_confusion(logits.argmax(1), labels, len(classes)).double()
    recall = table.diagonal() / table.sum(1)
    off = table.clone().fill_diagonal_(0)
    i, j = np.unravel_index(int(off.argmax()), off.shape)
    state = net.state_dict().values()
    return {
        "parameters": len(torch.nn.utils.parameters_to_vector(net.parameters())),
        "bytes": sum(len(value.numpy(force=True).tobytes()) for value in state),
        "accuracy": float(table.trace() / table.sum()),
        "recall": dict(zip(classes, recall.tolist())),
        "weakest": classes[int(recall.nan_to_num(2.0).argmin())],
        "confusion": (classes[i], classes[j], int(off[i, j])) if off.any() else None,
    }


# %% [markdown]
# ### The test, once
#
# All choices are made: the net, its epoch, its settings. Now, and only now, come the test images, shifted like the validation images.
#
# **Before you run it:** do you expect the net's accuracy on the test images to be higher than on the validation images, lower or the same?

# %% yours
card_of = yours_or_ours(model_card, our_card, nn.Linear(2, 2), ["a", "b"], torch.eye(2), torch.tensor([0, 1]))
random.seed(3)
moved_tests = torch.stack([image for image, _ in Shifted(test_images, test_labels)])
card = card_of(best_net, classes, logits_of(best_net, moved_tests), test_labels)
valid_accuracy = accuracy(best_net, moved_images, valid_labels)

print(f"MODEL CARD: {best_name}")
print(f"trained on    {len(train_images):,} images of {type(train_data).__name__}, the best of {epochs} epochs, Adam")
print(f"size          {card['parameters']:,} parameters, {card['bytes'] / 1000:.0f} kB")
print(
    f"accuracy      {card['accuracy']:.1%} on {len(test_images):,} test images, each shifted once ({valid_accuracy:.1%} in validation)"
)
print(f"weakest       {card['weakest']}: {card['recall'][card['weakest']]:.0%} recognised")
if card["confusion"] is not None:
    true, said, often = card["confusion"]
    print(f"most frequent {true} taken for {said}, {often} times")
print("not tested    on photographs, other sizes, larger shifts, or anything that is none of the ten classes")

# %% yours folded label="Draw the recall of each class"
credit(fit_best=run, convnet=make, model_card=card_of)
figure, ax = plt.subplots(figsize=(5.6, 3.9), layout="constrained")
shares = [share or 0.0 for share in card["recall"].values()]
bars = ax.barh([name.split("/")[0] for name in card["recall"]], shares, color=COLOURS["output"], height=0.7)
bars[list(card["recall"]).index(card["weakest"])].set(facecolor=COLOURS["loss"], hatch="//", edgecolor="white")
ax.axvline(card["accuracy"], color=INK, linestyle="--", lw=1.3)
ax.text(card["accuracy"], -0.95, "accuracy", ha="center", va="bottom", fontsize=11, color=INK)
ax.set(xlim=(0, 1), xlabel="recall on the test images")
ax.invert_yaxis()
ax.spines[["top", "right"]].set_visible(False)
show(
    figure,
    alt="A horizontal bar for each of the ten classes: the share of its test images that were recognised. The shortest bar is red and hatched. A dashed line marks the accuracy over all classes.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# On average, a little lower. Each validation accuracy is the net's true accuracy plus some luck, and when you pick the best of several, you tend to
# pick one that was lucky. With six nets and six epochs each, the effect is small; with hundreds of experiments it is not. On a few hundred images
# (the digits), chance alone moves the test accuracy by two percentage points or so, up or down; on the 10,000 test images of the clothes, by about
# half a point. So in a single run it may well be higher.
#
# What the card must not hide: the accuracy is an average over classes. The weakest class can be far below it.
#
# </details>
#
# Weights and card go into one file. `torch.load` reads tensors, numbers, strings, lists and dicts with `weights_only=True`, the default, and executes
# no code:

# %% yours
import tempfile

file = Path(tempfile.mkdtemp()) / "classifier.pt"
torch.save({"state": {name: value.cpu() for name, value in best_net.state_dict().items()}, "card": card}, file)
loaded = torch.load(file)
again = kinds_of_nets[best_name][0]().eval()
again.load_state_dict(loaded["state"])
same = torch.equal(again(test_images[:5]).argmax(dim=1), logits_of(best_net, test_images[:5]).argmax(dim=1))
print(
    f"{file.stat().st_size / 1000:.0f} kB; the loaded net answers the same: {same}; weakest: {loaded['card']['weakest']}"
)

# %% [markdown]
# ## Go further: LeNet on MNIST
#
# *Not graded.* The network that `10_modules` took apart, line by line, had 105,506 parameters and had not learned anything yet. Here it trains with
# your loop, on MNIST if it is available, for two epochs. Beside it trains the CNN from above, which has 9,098 parameters. Both start afresh and get
# the same digits in the same order.
#
# **Before you run it:** which of the two nets is more accurate after one epoch? And after two?

# %% yours
mnist, mnist_test = (load_mnist(train=part, name="MNIST") for part in (True, False))
pairs = [(data.data[:most, None] / 255, data.targets[:most]) for data in (mnist, mnist_test)]
mnist_test_loader = OnDevice(DataLoader(TensorDataset(*pairs[1]), batch_size=256), device)
torch.manual_seed(0)
lenet = nn.Sequential(
    *[nn.Conv2d(1, 32, kernel_size=5), nn.MaxPool2d(3), nn.ReLU()],
    *[nn.Conv2d(32, 64, kernel_size=5), nn.MaxPool2d(2), nn.ReLU()],
    *[nn.Flatten(), nn.Linear(256, 200), nn.ReLU(), nn.Linear(200, 10)],
)
for name, net in {"CNN": make((8, 16)), "LeNet": lenet}.items():
    order = torch.Generator().manual_seed(1)
    shuffled = DataLoader(TensorDataset(*pairs[0]), batch_size=32, shuffle=True, generator=order)
    mnist_loader = Progress(OnDevice(shuffled, device), 2, name)
    print(f"{name}, {sum(p.numel() for p in net.parameters()):,} parameters")
    for train_loss, test_loss, right in run(net.to(device), mnist_loader, mnist_test_loader, 2, 2e-3):
        print(f"  training loss {train_loss:.3f}, test loss {test_loss:.3f}, accuracy {right:.1%}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# After one epoch LeNet is ahead: with so many kernels and units it gets further in the same number of steps, though each step costs more. Then the
# difference shrinks, the more so the more digits there are: a tenth of the parameters can be almost as good.
#
# Strictly, this cell uses the test images to choose between two epochs. With two it hardly matters; in a paper it would.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. What did <code>torch.nn</code> do in each step of the refactoring, and how did we know that nothing had broken?</summary>
#
# Autograd computed the gradients; `F.cross_entropy` the loss, in one call; the module kept the parameters and found them for the optimizer; the
# optimizer took the step; `Dataset` and `DataLoader` made the batches; `.to(device)` moved them; `nn.Conv2d` and `nn.Sequential` made room for other
# networks. After each step, the sixteen losses were the same as those of the bare tensors.
#
# </details>
#
# <details><summary>2. When do a linear layer and a convolution compute the same, and what does the convolution gain?</summary>
#
# When the kernel is as large as the image: the weights are the same numbers in another shape. The convolution can slide over larger images, and its
# kernels can be made small, so that they need few weights and find their pattern anywhere.
#
# </details>
#
# <details><summary>3. What are training, validation and test images for, and why must the best state be cloned?</summary>
#
# Training images change the weights, validation images choose between nets and epochs, test images are used once, for an honest number at the end.
# The tensors in `state_dict()` share the net's memory: without a copy, the "best" state changes with every further step.
#
# </details>
#
# **Next:** there is no seventeenth notebook. You have taken every part of a network apart and put it together again. Put your own images into the
# pipeline, or a larger net; read the source of a module in `torch/nn/modules`, and find the lines that you have written yourself.
