# %% [markdown]
# # Parameters and their first values
#
# After this notebook you can
#
# - reach every parameter of a nested net, read it, and overwrite it so that its optimizer still knows it;
# - initialise a whole net with `apply` and `nn.init`, or by a rule of your own;
# - measure what is left of a signal after 50 layers, and choose weights that keep it alive;
# - derive the right scale of the weights for any activation function;
# - tie parameters, and write layers of your own, with parameters and without.
#
# **Points**: 17. **Time**: about 50 minutes of reading and 73 minutes for the 8 exercises. **You need**: `nn.Linear` and its initial values
# (`04_linear`), `nn.Conv2d` (`07_convolution`), your own `nn.Module` and a training loop (`10_modules`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## Every parameter has an address
#
# Somebody gives you a trained net and asks: what is the largest bias in the second block? You need a way to that one tensor. Here is a net
# with three levels: four blocks in a container, each with two linear layers, and a linear layer at the end.


# %%
def block():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())


blocks = nn.Sequential()
for i in range(4):
    blocks.add_module(f"block {i}", block())
net = nn.Sequential(blocks, nn.Linear(4, 1))

print("all:  ", len(list(net.named_parameters())), "parameters")
print("first:", [name for name, _ in net.named_parameters()][:3])
print("one layer has a state_dict, too:", list(net[1].state_dict()))

# %% folded label="Draw the path to one bias"
rows = [
    (0, "net", "Sequential", True),
    (1, "0", "Sequential", True),
    (2, "block 0", "Sequential …", False),
    (2, "block 1", "Sequential", True),
    (3, "0", "Linear", True),
    (4, "weight", "8×4", False),
    (4, "bias", "8", True),
    (3, "1", "ReLU", False),
    (3, "2", "Linear …", False),
    (3, "3", "ReLU", False),
    (2, "block 2", "Sequential …", False),
    (2, "block 3", "Sequential …", False),
    (1, "1", "Linear …", False),
]
figure, ax = plt.subplots(figsize=(5.6, 4.9), layout="constrained")
last = {}
for row, (level, name, kind, on_path) in enumerate(rows):
    last[level] = row
    if level:
        colour, width = (COLOURS["learned"], 2.6) if on_path else (COLOURS["plain"], 1.0)
        ax.plot([level - 0.75, level - 0.75, level - 0.1], [last[level - 1] + 0.35, row, row], color=colour, lw=width)
    weight = "bold" if on_path else "normal"
    ax.text(level, row, name, va="center", fontsize=12, weight=weight, color=COLOURS["learned"] if on_path else INK)
    ax.text(level + 0.17 * len(name) + 0.25, row, kind, va="center", fontsize=11, color=INK)
ax.set(xlim=(-0.2, 6.2), ylim=(len(rows) - 0.4, -0.6))
ax.axis("off")
show(
    figure,
    alt="The net as a tree. The bold path leads from net to its child 0, a Sequential, to block 1, to that block's child 0, a Linear, "
    "and to its bias with 8 numbers. Beside the path are the blocks 0, 2 and 3, the other layers of block 1, and the last linear layer.",
)

# %% [markdown]
# The bold path has two spellings. `net[0][1][0].bias` goes down index by index. `net.get_parameter("0.block 1.0.bias")` uses the full name, as
# `named_parameters()` and `state_dict()` list it: the names of the children, joined by dots.
#
# **Before you run it:** we reach the same bias in seven ways, and *then* write 42 into its first element. Which of the seven show the 42?

# %% predict
bias = net[0][1][0].bias
ways = {
    "net[0][1][0].bias": net[0][1][0].bias,
    'net.get_parameter("0.block 1.0.bias")': net.get_parameter("0.block 1.0.bias"),
    'net.state_dict()["0.block 1.0.bias"]': net.state_dict()["0.block 1.0.bias"],
    "bias.data": bias.data,
    "bias.detach()": bias.detach(),
    "bias.detach().clone()": bias.detach().clone(),
    "bias.tolist()": bias.tolist(),
}
with torch.no_grad():
    bias[0] = 42
for way, value in ways.items():
    print(f"{way:38} {type(value).__name__:10} {'sees 42' if float(value[0]) == 42 else 'does not'}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Five do. The first two are the parameter itself, so they are also the ones that an optimizer can train. `state_dict()`, `.data` and `.detach()` give plain tensors without a
# gradient, but they **share the parameter's memory**. Only `clone()` and `tolist()` copy.
#
# This is a trap when you save the best net so far: `best = net.state_dict()` changes along with the net. Write
# `best = copy.deepcopy(net.state_dict())`.
#
# </details>
#
# ### Exercise: Collect from nested blocks
#
# Write `collect(net, last)`. It returns a dict with every parameter of `net`, however deeply nested, whose name ends in the part `last`. The keys are the full names, in
# the order of `net.named_parameters()`; the values are the parameters themselves, not copies.
#
# - `last` is compared with the part after the last dot. So `"bias"` matches `bias` and `0.block 1.0.bias`, but not `0.my_bias` and not `bias.0`.
# - A parameter that several modules share appears once, under its first name. Buffers are not parameters. If nothing matches, the dict is empty.
# - Frozen parameters count like all others. `net` stays as it is.
#
# <details><summary>Hint 1: who knows all names?</summary>
#
# `net.named_parameters()` visits all levels and yields pairs of a full name and a parameter. You only have to choose.
#
# </details>
#
# <details><summary>Hint 2: the last part of a name</summary>
#
# `"0.block 1.0.bias".split(".")` gives a list of the parts. What is its last element? For a name without a dot it is the name itself.
#
# </details>


# %% exercise="collect" difficulty=1 minutes=5
def collect(net: nn.Module, last: str) -> dict[str, nn.Parameter]:
    """The parameters of a net, nested ones included, whose name has the last part `last`, by their full names."""
    ### BEGIN SOLUTION
    return {name: parameter for name, parameter in net.named_parameters() if name.split(".")[-1] == last}
    ### END SOLUTION


# %% check="collect" points=1
class Gated(nn.Module):
    """A block with parameters of its own, a buffer, a BatchNorm, and names that look alike."""

    def __init__(self, c, d):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(c))
        self.my_bias = nn.Parameter(torch.randn(c))
        self.inner = nn.Sequential(nn.Linear(c, d), nn.ReLU(), nn.Sequential(nn.Linear(d, c, bias=False)))
        self.bias_list = nn.ParameterDict({"bias": torch.randn(d), "gate": torch.randn(c)})
        self.norm = nn.BatchNorm1d(c)
        self.register_buffer("weight", torch.ones(2))


def examine(net, last, wanted, title, mistakes=None):
    parameters = dict(net.named_parameters())
    before = {name: parameter.detach().clone() for name, parameter in parameters.items()}
    frozen = {name: parameter.requires_grad for name, parameter in parameters.items()}
    answer = collect(inplace(net), last)
    require(type(answer) is dict, f"collect({title}, {last!r}) is a dict", f"Yours is a {type(answer).__name__}.")
    expect(list(answer), wanted, f"the names in collect({title}, {last!r})", mistakes=mistakes)
    values = all(isinstance(value, torch.Tensor) for value in answer.values())
    require(values, "the values are tensors", "Yours are something else: the dict goes from names to parameters.")
    now = {name: parameter.detach() for name, parameter in net.named_parameters()}
    expect(now, before, f"the parameters of {title} keep their values")
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(1)
    copied = [name for name in wanted if not torch.equal(answer[name].detach(), before[name] + 1)]
    told = f"A later change of the net does not reach your {copied[0]}: return the parameter, not a copy." if copied else ""
    require(copied == [], "the values are no copies", told)
    plain = [name for name in wanted if answer[name].requires_grad != frozen[name]]
    told = f"Yours has another requires_grad at {plain[0]}: state_dict(), .data and .detach() do not give the parameter." if plain else ""
    require(plain == [], "the values are the net's own parameters", told)
    same = {name: parameter.requires_grad for name, parameter in net.named_parameters()} == frozen
    require(same, f"{title} is as trainable as before", "requires_grad has changed.")
    other = [name for name in wanted if answer[name] is not parameters[name]]
    told = f"Your {other[0]} shares memory with the parameter but is another object." if other else ""
    require(other == [], "each value is the very object that the net holds", told)


net = nn.Sequential(Gated(3, 5), nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)))
net[1][0].bias.requires_grad_(False)
examine(
    net,
    "bias",
    ["0.bias", "0.inner.0.bias", "0.bias_list.bias", "0.norm.bias", "1.0.bias", "1.1.bias"],
    "the net with a gated block",
    mistakes={
        "`my_bias` ends in the same letters, but its last part is another: compare the whole part.": [
            "0.bias", "0.my_bias", "0.inner.0.bias", "0.bias_list.bias", "0.norm.bias", "1.0.bias", "1.1.bias",
        ],
        "The name only contains \"bias\": compare its last part with `last`.": [
            "0.bias", "0.my_bias", "0.inner.0.bias", "0.bias_list.bias", "0.bias_list.gate", "0.norm.bias", "1.0.bias", "1.1.bias",
        ],
        "The frozen one is missing: it counts as well.": [
            "0.bias", "0.inner.0.bias", "0.bias_list.bias", "0.norm.bias", "1.1.bias",
        ],
        "Only the linear layers were searched: other modules have parameters, too.": ["0.inner.0.bias", "1.0.bias", "1.1.bias"],
        "A loop over net.children() reaches one level only: named_parameters() visits all of them.": ["0.bias"],
        "Nothing was found: a full name has dots. Compare its last part.": [],
    },
)  # fmt: skip
examine(
    net,
    "weight",
    ["0.inner.0.weight", "0.inner.2.0.weight", "0.norm.weight", "1.0.weight", "1.1.weight"],
    "the net with a gated block",
    mistakes={
        "Buffers are not parameters: the state_dict holds both.": [
            "0.weight", "0.inner.0.weight", "0.inner.2.0.weight", "0.norm.weight", "1.0.weight", "1.1.weight",
        ]
    },
)  # fmt: skip
shared = nn.Linear(3, 3)
tied = nn.ModuleDict({"a": shared, "b": nn.Sequential(shared, nn.Linear(3, 3))})
twice = ["a.bias", "b.0.bias", "b.1.bias"]
once = {"A shared parameter appears once, under its first name.": twice}
examine(tied, "bias", ["a.bias", "b.1.bias"], "a net with a shared layer", mistakes=once)
layer = nn.Linear(2, 3)
names = {"A name without a dot is its own last part.": []}
examine(layer, "bias", ["bias"], "nn.Linear(2, 3)", mistakes=names)
examine(layer, "scale", [], "nn.Linear(2, 3)")
### BEGIN HIDDEN TESTS
deep = nn.Sequential(nn.Sequential(nn.Sequential(nn.Linear(2, 2), Gated(2, 4))), nn.PReLU(), nn.Conv2d(1, 2, 3, bias=False))
deep[0][0][0].weight.requires_grad_(False)
examine(deep, "weight", ["0.0.0.weight", "0.0.1.inner.0.weight", "0.0.1.inner.2.0.weight", "0.0.1.norm.weight", "1.weight", "2.weight"], "a deep net")
examine(deep, "gate", ["0.0.1.bias_list.gate"], "a deep net")
examine(deep, "my_bias", ["0.0.1.my_bias"], "a deep net")
examine(deep, "inner", [], "a deep net")
### END HIDDEN TESTS

# %% [markdown]
# ## A parameter carries its gradient
#
# A parameter is more than its values: `.grad` holds its gradient, `.requires_grad` says whether it gets one.
#
# **Before you run it:** in this net the second layer is frozen and the third one is not used in `forward`. The table shows for each
# layer's weight whether `.grad` is `None`, all zeros, or other numbers. Fill it in before you look.


# %% predict
class Partly(nn.Module):
    def __init__(self):
        super().__init__()
        self.used, self.frozen, self.unused = nn.Linear(3, 3), nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 3)

    def forward(self, x):
        return self.frozen(F.relu(self.used(x)))


def report(moment):
    grads = [layer.weight.grad for layer in (partly.used, partly.frozen, partly.unused)]
    words = ["None" if grad is None else "numbers" if grad.any() else "zeros" for grad in grads]
    print(f"{moment:34} {words[0]:8} {words[1]:8} {words[2]}")


torch.manual_seed(0)
partly, x = Partly(), torch.randn(8, 3)
print(f"{'':34} used     frozen   unused")
report("before backward()")
partly(x).sum().backward()
report("after backward()")
partly.zero_grad(set_to_none=False)
report("after zero_grad(set_to_none=False)")
partly.zero_grad()
report("after zero_grad()")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Before the first `backward()` there is no gradient, and that is `None`, not zero. `backward()` sets `.grad` only where the parameter requires a gradient *and* took part in
# the loss. The gradient does pass *through* the frozen layer to the one before it. Today `zero_grad()` sets `.grad` back to `None`; older code filled it with zeros.
#
# The difference matters: an optimizer skips a parameter whose `.grad` is `None`. With a gradient of zeros it still takes a step if it has momentum or weight decay.
#
# </details>
#
# ## Writing values directly
#
# You may write into a parameter whenever you like, as long as autograd does not record it: under `torch.no_grad()`.

# %%
layer = nn.Linear(4, 8)
with torch.no_grad():
    layer.weight.fill_(9.0)
    layer.weight += 1
    layer.weight[0, 0] = 42
print(layer.weight[0])

# %% [markdown]
# In older code you see `layer.weight.data[0, 0] = 42`. The effect is the same, but `.data` also bypasses the bookkeeping of autograd: if you change values between
# `forward` and `backward()`, the gradient is silently wrong, where `no_grad` gives you an error.
#
# **Before you run it:** an optimizer is made first. Then three layers get new weights, all zeros, in three ways. Then the optimizer takes one step. For
# which layers does the step change the weight?

# %% predict
three = nn.ModuleList([nn.Linear(3, 1), nn.Linear(3, 1), nn.Linear(3, 1)])
optimizer = torch.optim.SGD(three.parameters(), lr=0.1)

with torch.no_grad():
    three[0].weight.copy_(torch.zeros(1, 3))
three[1].weight.data = torch.zeros(1, 3)
three[2].weight = nn.Parameter(torch.zeros(1, 3))

sum(layer(torch.ones(1, 3)) for layer in three).sum().backward()
optimizer.step()
ways = ["weight.copy_(…) under no_grad", "weight.data = …", "weight = nn.Parameter(…)"]
for way, layer in zip(ways, three):
    print(f"{way:30} changed: {bool(layer.weight.any())!s:6} has a gradient: {layer.weight.grad is not None}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The first two change the values and keep the `Parameter`. The third puts a *new* object into the layer. It gets its gradient, but the optimizer still holds the old object,
# which nobody uses any more. There is no error: the layer just never learns. Overwrite in place, or make the optimizer last.
#
# </details>
#
# ## One rule for the whole net
#
# `torch.nn.init` holds functions that fill a tensor **in place**, without recording for autograd. Like all functions in torch that work in place, they end
# in an underscore:
#
# | function | fills the tensor with |
# |---|---|
# | `nn.init.zeros_(t)`, `nn.init.constant_(t, 42)` | one number |
# | `nn.init.normal_(t, mean=0.0, std=0.01)` | normal values |
# | `nn.init.uniform_(t, -10, 10)` | uniform values |
# | `nn.init.xavier_uniform_(t)`, `nn.init.xavier_normal_(t)` | Xavier's rule, see below |
# | `nn.init.kaiming_uniform_(t)`, `nn.init.kaiming_normal_(t)` | He's rule, see below |
#
# They know tensors, not layers. `net.apply(function)` calls your function once for each module of the net, and the function decides what to do with it.
#
# **Before you run it:** the function below notes the kind of each module that it gets. Which modules are on the list for this nested net, and in which order?

# %% predict
nested = nn.Sequential(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), nn.Linear(3, 1))
visited = []
nested.apply(lambda module: visited.append(type(module).__name__))
print(visited)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Every module gets a visit, those without parameters and the containers included, and last of all the net itself: children come before their parent. So the
# function has to ask what it has got: `if isinstance(module, nn.Linear):`.
#
# </details>
#
# Each part of a net can have its own rule, because each part has its own `apply`:


# %%
def xavier(module):
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)


def constant(module):
    if isinstance(module, nn.Linear):
        nn.init.constant_(module.weight, 42)
        nn.init.zeros_(module.bias)


two = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
two[0].apply(xavier)
two[2].apply(constant)
print("first layer:", two[0].weight.data[0])
print("last layer: ", two[2].weight.data[0], two[2].bias.data)

# %% [markdown]
# ### Why not the same number everywhere?
#
# Is it not simpler to start all weights at the same value, such as 0.05, and let training do the rest?
#
# **Before you run it:** two nets with 16 hidden units train on digits for 200 steps, one from the constant 0.05, the other from normal values. How many *different* hidden
# units does each net have in the end? Does the first one learn anything?

# %% predict varies
images, labels = load_digits()
digits = (images.flatten(1) - images.mean()) / images.std()


def train_small(rule):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    for layer in (net[0], net[2]):
        rule(layer.weight)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(net(digits), labels).backward()
        optimizer.step()
    return net


small = {
    "constant 0.05": train_small(lambda weight: nn.init.constant_(weight, 0.05)),
    "normal": train_small(lambda weight: nn.init.normal_(weight, std=0.1)),
}
for name, net in small.items():
    different = net[0].weight.detach().mul(1000).round().unique(dim=0).shape[0]
    right = (net(digits).argmax(1) == labels).double().mean()
    print(f"{name:14} different hidden units: {different:2}   digits read correctly: {right:.0%}")

# %% predict varies folded label="Draw the weights of six hidden units of each net"
draw_images(
    [image for net in small.values() for image in net[0].weight[:6].reshape(6, 8, 8)],
    [f"{name}" if unit == 0 else f"unit {unit}" for name in ("constant", "normal") for unit in range(6)],
    columns=6,
    signed=True,
    cell=1.0,
    alt="The 64 weights of six hidden units of each net as 8×8 images. Above, after the constant start: six times the same image. Below, after "
    "the normal start: six different images.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Units that start alike compute the same value, get the same gradient and so take the same step. They stay alike for ever: sixteen units do the work of one. (Here it is even
# a little worse, because the weights of the ten outputs start alike as well.) Random numbers **break the symmetry**. Biases may start at 0: the weights already differ.
#
# </details>
#
# ### Exercise: Initialise a whole net
#
# Write `initialise(net, std)`, which changes `net` in place:
#
# - In every `nn.Linear`, at every level, `net` itself included, each weight becomes a value drawn independently from the normal distribution with mean 0 and
#   standard deviation `std`, and each bias becomes 0. A layer may be without a bias. A subclass of `nn.Linear` is an `nn.Linear`.
# - Parameters and buffers of all other modules keep their values.
# - The parameters stay the same objects, with the same dtype and `requires_grad`. Each call draws new values; do not seed.
#
# `std` is positive. What you return is up to you.
#
# <details><summary>Hint 1: visit everything</summary>
#
# A function for one module, and `net.apply(function)`. Or a loop over `net.modules()`.
#
# </details>
#
# <details><summary>Hint 2: which module, which bias?</summary>
#
# `type(module) == nn.Linear` is False for a subclass; `isinstance` is not so strict. Without a bias, `module.bias` is `None`.
#
# </details>


# %% exercise="initialise" difficulty=2 minutes=8
def initialise(net: nn.Module, std: float) -> None:
    """Draw the weights of all linear layers in net from N(0, std²), in place, and set their biases to 0."""

    ### BEGIN SOLUTION
    def visit(module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    net.apply(visit)
    ### END SOLUTION


# %% check="initialise" points=2
class Head(nn.Linear):
    """A linear layer with another name."""


class Mixed(nn.Module):
    def __init__(self, c, d):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 4))
        self.bias = nn.Parameter(torch.randn(4))
        self.conv = nn.Conv1d(2, 3, 3)
        self.inner = nn.Sequential(nn.BatchNorm1d(d), nn.Sequential(nn.Linear(c, d), nn.ReLU(), nn.Linear(d, c, bias=False)))
        self.table = nn.Embedding(5, 6)
        self.heads = nn.ModuleList([Head(d, c)])
        self.bilinear = nn.Bilinear(2, 3, 4)


def linear_parts(net):
    """The names of the weights and of the biases of the linear layers."""
    layers = [(name + "." if name else "", module) for name, module in net.named_modules() if isinstance(module, nn.Linear)]
    return [f"{name}weight" for name, _ in layers], [f"{name}bias" for name, layer in layers if layer.bias is not None]


def moments(values):
    values = values.detach().double()
    return values.mean().item(), values.std().item(), (values**4).mean().item() / (values**2).mean().item() ** 2


def examine(net, std, title):
    weights, biases = linear_parts(net)
    parameters = dict(net.named_parameters())
    for number, name in enumerate(biases):
        torch.nn.init.normal_(parameters[name], mean=number + 1)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    trainable = {name: parameter.requires_grad for name, parameter in parameters.items()}
    call = f"initialise({title}, {std})"
    initialise(inplace(net), std)
    now = dict(net.named_parameters())
    fresh = [name for name in parameters if now.get(name) is not parameters[name]]
    told = "Yours are new objects, which an optimizer made earlier does not know: overwrite the old ones."
    require(fresh == [] and len(now) == len(parameters), f"{call}: the parameters are the same objects as before", told)
    flags = {name: parameter.requires_grad for name, parameter in now.items()}
    expect(flags, trainable, f"{call}: requires_grad is as before")
    rest = {name: value for name, value in net.state_dict().items() if name not in weights + biases}
    expect(rest, {name: before[name] for name in rest}, f"{call}: everything but the linear layers keeps its values")
    kinds = {name: str(now[name].dtype) for name in weights + biases}
    expect(kinds, {name: str(before[name].dtype) for name in kinds}, f"{call}: the dtypes are as before")
    kept = [name for name in weights + biases if torch.equal(now[name].detach(), before[name])]
    told = f"{kept[0]} still has its old values: are all levels visited, and subclasses, and `net` itself?" if kept else ""
    require(kept == [], f"{call}: every linear layer has new values", told)
    zeros = {name: torch.zeros_like(before[name]) for name in biases}
    drawn = {name: now[name].detach() for name in biases}
    expect(drawn, zeros, f"{call}: the biases are 0")
    for name in weights:
        mean, spread, tail = moments(now[name])
        expect(
            spread,
            std,
            f"{call}: the standard deviation of {name}, within 4 %",
            rtol=0.04,
            atol=0.0,
            mistakes={
                "That is the variance: normal_ takes the standard deviation.": std**0.5,
                "That is std²: normal_ takes the standard deviation itself.": std**2,
                "That is uniform from −std to std: draw from the normal distribution.": std / 3**0.5,
                "`std` is not used: these are standard normal values.": 1.0,
                "`std` is not used: this is always 0.01.": 0.01,
                "The values are std · torch.rand: positive and uniform.": std / 12**0.5,
                "All weights are the same number.": 0.0,
            },
        )
        require(abs(mean) < std / 20, f"{call}: the mean of {name} is close to 0", f"Yours is {mean:.4g}.")
        told = "The spread is right, the shape is not: is it uniform, or cut off?"
        require(abs(tail - 3) < 0.5, f"{call}: the values of {name} are normal", told)
        flat = now[name].detach().flatten()
        told = "Some values come several times: draw each weight on its own."
        require(flat.unique().numel() > 0.97 * flat.numel(), f"{call}: each value of {name} is drawn on its own", told)
    return {name: now[name].detach().clone() for name in weights}


net = Mixed(120, 150)
net.inner[1][0].weight.requires_grad_(False)
first = examine(net, 0.2, "a net with many kinds of layers")
second = examine(net, 0.2, "the same net again")
told = "It does not: is a seed set?"
require(all(not torch.equal(first[name], second[name]) for name in first), "the second call draws other values", told)
layer = nn.Linear(100, 160).double()
one = examine(layer, 3.0, "nn.Linear(100, 160) in float64")["weight"]
told = "All values of yours are float32 numbers."
require(not torch.equal(one, one.float().double()), "in float64 the values are drawn in float64", told)
nets = [nn.Linear(120, 150), nn.Linear(120, 150)]
for net in nets:
    initialise(inplace(net), 1.0)
told = "Two nets got the same values: is a seed set, or a tensor kept?"
require(not torch.equal(nets[0].weight, nets[1].weight), "two nets get different values", told)
### BEGIN HIDDEN TESTS
net = nn.Sequential(nn.Sequential(Mixed(200, 90)), Head(130, 140, bias=False), nn.Conv2d(1, 2, 3), nn.LayerNorm(4))
net[0][0].heads[0].bias.requires_grad_(False)
examine(net, 0.05, "another net")
examine(Head(300, 100), 1.5, "a subclass of nn.Linear")
numbers = []
for _ in range(2):
    torch.manual_seed(3)
    initialise(nn.Linear(2, 3), 1.0)
    numbers.append(torch.rand(()).item())
require(numbers[0] == numbers[1] and torch.initial_seed() == 3, "no seed is set", "After a call torch's seed is another one.")
### END HIDDEN TESTS

# %% [markdown]
# ### A rule that torch does not have
#
# Every rule is a function that fills a tensor in place, so you can write your own. Here is a strange one, to practise on:
#
# $$w \sim \begin{cases} U(5, 10) & \text{with probability } \tfrac14 \\ 0 & \text{with probability } \tfrac12 \\ U(-10, -5) & \text{with probability } \tfrac14. \end{cases}$$
#
# **Before you run it:** a colleague picks one of the three cases at random for each weight, each with the same chance. What share of the weights is 0, and what
# should it be? And is the variance of the weights too large or too small?

# %% predict
torch.manual_seed(0)
case = torch.randint(3, (100_000,))
size = torch.empty(100_000).uniform_(5, 10)
colleague = torch.where(case == 0, size, torch.where(case == 1, 0.0, -size))
print(f"share of zeros: {(colleague == 0).double().mean():.3f}")
print(f"variance:       {colleague.var():.1f}, where the rule gives {0.5 * (10**3 - 5**3) / 3 / 5:.1f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Three cases with equal chances give a third of zeros instead of a half, and so more large values and a larger variance. The rule's variance is
# $\frac12 E[u^2]$ with $u \sim U(5, 10)$, and $E[u^2] = \frac{10^3 - 5^3}{3 \cdot 5} \approx 58.3$.
#
# </details>
#
# ### Exercise: A rule of your own
#
# Write `strange_(weight)` for this rule. `weight` is a tensor of any shape, of dtype float32 or float64. Fill it **in place**, each element drawn independently of all others, and return `weight`
# itself, as the functions of `nn.init` do.
#
# - It also works if `weight` requires a gradient, as an `nn.Parameter` does, and it stays a leaf without a gradient function. It also works for a part of a tensor, such as `t[:, ::2]`,
#   and leaves the rest alone.
# - Each call draws new values; do not seed.
#
# <details><summary>Hint 1: one draw is enough</summary>
#
# Draw uniformly from −10 to 10. What share of the values has an absolute value below 5? What happens if you set these to 0?
#
# </details>
#
# <details><summary>Hint 2: "a leaf Variable that requires grad"</summary>
#
# The functions of `nn.init` do not record; your own operations do, unless they are under `torch.no_grad()`.
#
# </details>


# %% exercise="strange" difficulty=2 minutes=8
def strange_(weight: torch.Tensor) -> torch.Tensor:
    """Fill weight in place: U(5, 10) with probability 1/4, 0 with 1/2, U(−10, −5) with 1/4. Returns weight itself."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        nn.init.uniform_(weight, -10, 10)
        weight *= weight.abs() >= 5
    return weight
    ### END SOLUTION


# %% check="strange" points=2
def shares(values):
    """The shares of values from 5 to 10, of zeros, of values from −10 to −5, and of all others."""
    values = values.detach().double()
    parts = [(values >= 5) & (values <= 10), values == 0, (values <= -5) & (values >= -10)]
    found = [part.double().mean().item() for part in parts]
    return [*found, 1 - sum(found)]


def examine(weight, title):
    before, call = weight.detach().clone(), f"strange_({title})"
    answer = strange_(inplace(weight))
    require(isinstance(answer, torch.Tensor), f"{call} returns a tensor", f"Yours is a {type(answer).__name__}: return weight.")
    told = "weight has its old values: nn.init fills it in place, and `weight = …` only gives a name to another tensor."
    require(not torch.equal(weight.detach(), before), f"{call} fills weight in place", told)
    require(answer is weight, f"{call} returns weight itself", "Yours is another tensor: return weight.")
    told = "Something was recorded: work under torch.no_grad()."
    require(weight.is_leaf and weight.grad_fn is None, f"after {call} weight is a leaf", told)
    require(weight.requires_grad == title.startswith("a para"), f"{call} leaves requires_grad alone", "Yours changes it.")
    return weight.detach().clone()


weight = examine(torch.full((300, 100), 7.7), "a tensor of shape (300, 100)")
expect(
    shares(weight),
    [0.25, 0.5, 0.25, 0.0],
    "the shares of values in 5…10, of zeros, of values in −10…−5, and of all others, within 0.02",
    atol=0.02,
    rtol=0.0,
    mistakes={
        "The three cases have equal chances: 0 should have 1/2.": [1 / 3, 1 / 3, 1 / 3, 0.0],
        "The small values are still there: set those below 5 in size to 0.": [0.25, 0.0, 0.25, 0.5],
        "The wrong half is 0: the values from 5 to 10 in size stay.": [0.0, 0.5, 0.0, 0.5],
        "No value is negative: half of those that are not 0 should be.": [0.5, 0.5, 0.0, 0.0],
        "Nothing is 0: half of the values should be.": [0.5, 0.0, 0.5, 0.0],
        "Values up to 5 are in, those from 5 to 10 are not.": [0.0, 0.0, 0.0, 1.0],
    },
)
size = weight[weight != 0].abs().double()
told = f"Yours run from {size.min():.2f} to {size.max():.2f}."
require(size.min().item() < 5.01 and size.max().item() > 9.99, "the sizes fill 5…10", told)
place = ((size - 5) / 5).sort().values
wanted = (torch.arange(len(place)) + 0.5) / len(place)
told = "Some parts of 5…10 have more values than others."
require((place - wanted).abs().max().item() * len(place) ** 0.5 < 3, "the sizes are uniform", told)
told = "Some sizes come several times: draw each element on its own."
require(size.unique().numel() > 0.98 * len(size), "each size is drawn on its own", told)
zeros = (weight == 0).double()
row, column = zeros.mean(1).std().item(), zeros.mean(0).std().item()
told = "Whole rows or columns share one case: choose it for each element."
require(row < 0.1 and column < 0.1, "each case is drawn on its own", told)
signs = weight.sign().double()
told = "Neighbours depend on each other."
require(abs((signs[:, 1:] * signs[:, :-1]).mean().item()) < 0.04, "signs do not depend on their neighbours", told)
again = examine(weight.clone(), "the same tensor again")
require(not torch.equal(again, weight), "a second call draws other values", "Yours gives the same: is a seed set?")


def thorough(n):
    for kind in (torch.float32, torch.float64):
        for title, one in [
            ("a parameter of shape (3, n, 5)", nn.Parameter(torch.ones(3, n, 5, dtype=kind))),
            ("a tensor with one dimension", torch.ones(20 * n, dtype=kind)),
        ]:
            values = examine(one, f"{title} in {str(kind)[6:]}")
            expect(shares(values), [0.25, 0.5, 0.25, 0.0], f"the shares for {title}, within 0.08", atol=0.08, rtol=0.0)
        whole = torch.full((n, 60), 0.5, dtype=kind)
        values = examine(whole[:, ::2], f"every second column of a larger tensor in {str(kind)[6:]}")
        expect(shares(values), [0.25, 0.5, 0.25, 0.0], "its shares, within 0.08", atol=0.08, rtol=0.0)
    scalars = [strange_(torch.full((), 3.0)) for _ in range(12)]
    shapes = {str(tuple(one.shape)) for one in scalars}
    require(shapes == {"()"}, "twelve tensors without dimensions", f"The shapes are {shapes}.")
    told = f"Yours: {', '.join(f'{one.item():.3g}' for one in scalars)}."
    fine = all(one.item() == 0 or 5 <= abs(one.item()) <= 10 for one in scalars)
    require(fine, "each of them is 0, or from 5 to 10 in size", told)
    whole = torch.full((n, 6), 0.5)
    part = whole[:, ::2]
    strange_(inplace(part))
    rest = whole[:, 1::2]
    expect(rest, torch.full((n, 3), 0.5), "the columns in between are left alone")


thorough(200)
numbers = []
for _ in range(2):
    torch.manual_seed(3)
    strange_(torch.ones(3))
    numbers.append(torch.rand(()).item())
seeded = torch.initial_seed() == 3
require(numbers[0] == numbers[1] and seeded, "no seed is set", "After a call torch's seed is another one.")
### BEGIN HIDDEN TESTS
thorough(190)
### END HIDDEN TESTS
