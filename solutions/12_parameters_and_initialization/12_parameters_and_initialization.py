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
# **Points**: 17. **Time**: about 50 minutes of reading and 70 minutes for the 8 exercises. **You need**: `nn.Linear` and its initial values
# (`04_linear`), `nn.Conv2d` (`07_convolution`), a training loop (`10_modules`), your own modules, nested ones too (`11_inside_module`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## Every parameter has an address
#
# Somebody gives you a trained net and asks: what is the largest bias in the first layer of the second block? You need a way to that one tensor. Here is a
# nested net: four blocks in a container, each with two linear layers, and then one more linear layer.


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
    ax.text(level + 0.14 * len(name) + 0.25, row, kind, va="center", fontsize=11, color=INK)
ax.set(xlim=(-0.2, 6.2), ylim=(len(rows) - 0.4, -0.6))
ax.axis("off")
show(
    figure,
    alt="The net as a tree. The bold path leads from net to its child 0, a Sequential, to block 1, to that block's child 0, a Linear, "
    "and to its bias with 8 numbers. Beside the path are the blocks 0, 2 and 3, the other layers of block 1, and the last linear layer.",
)

# %% [markdown]
# The bold path has two spellings. `net[0][1][0].bias` goes down index by index; an index counts the children in order, whatever they are called. `net.get_parameter("0.block 1.0.bias")` uses the full name, as
# `named_parameters()` and `state_dict()` list it: the names of the children, joined by dots. So `net[0][1][0].bias.max()` answers the question.
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
    print(f"{way:38} {type(value).__name__:10} {'sees 42' if bool(value[0] == 42) else 'does not'}")

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
# Write `collect(net, last)`. It returns a dict with every parameter of `net`, however deeply nested, whose full name has `last` as its last part. The keys are the full names, in
# the order of `net.named_parameters()`; the values are the parameters themselves, not copies.
#
# - `last` is compared with the part after the last dot. So `"bias"` matches `bias` and `0.block 1.0.bias`, but not `0.my_bias` and not `bias.0`.
# - A parameter that several modules share appears once, under its first name; its other names do not count. Buffers are not parameters. If nothing matches, the dict is empty.
# - Frozen parameters count like all others. `net` stays as it is.
#
# <details><summary>Hint 1: who knows all the names?</summary>
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
    before = {name: value.clone() for name, value in net.state_dict().items()}
    frozen = {name: parameter.requires_grad for name, parameter in parameters.items()}
    answer = collect(inplace(net), last)
    told = "Yours is None: is a `return` missing?" if answer is None else f"Yours is a {type(answer).__name__}."
    require(isinstance(answer, dict), f"collect({title}, {last!r}) is a dict", told)
    mistakes = {"The keys are the full names.": [last]} | (mistakes or {}) if len(wanted) > 1 else mistakes
    expect(list(answer), wanted, f"the names in collect({title}, {last!r}), in order", mistakes=mistakes)
    values = all(isinstance(value, torch.Tensor) for value in answer.values())
    require(values, "the values are tensors", "Yours are something else: the dict goes from names to parameters.")
    expect(dict(net.state_dict()), before, f"the parameters and buffers of {title} keep their values")
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.add_(1)
    copied = [name for name in wanted if not torch.equal(answer[name].detach(), before[name] + 1)]
    told = (
        f"A later change of the net does not reach your {copied[0]}: return the parameter, not a copy."
        if copied
        else ""
    )
    require(copied == [], "the values are not copies", told)
    plain = [name for name in wanted if answer[name].requires_grad != frozen[name]]
    told = (
        f"The requires_grad of your {plain[0]} differs: state_dict(), .data and .detach() do not give the parameter."
        if plain
        else ""
    )
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
        "`my_bias` ends in the same letters, but its last part is `my_bias`: compare the whole part.": [
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
pair = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.BatchNorm1d(3), nn.BatchNorm1d(3))
pair[1].weight = pair[0].weight
equal = {"Parameters with equal values are not the same parameter.": ["0.bias", "1.bias", "2.bias"]}
examine(pair, "bias", ["0.bias", "1.bias", "2.bias", "3.bias"], "a net with two tied layers", mistakes=equal)
twice = ["0.weight", "1.weight", "2.weight", "3.weight"]
once = {"Two layers hold one weight: it appears once, under its first name.": twice}
examine(pair, "weight", ["0.weight", "2.weight", "3.weight"], "a net with two tied layers", mistakes=once)
scaled = nn.ModuleDict({"a": nn.ParameterDict({"scale": torch.ones(2)}), "b": nn.LayerNorm(2)})
scaled["b"].weight = scaled["a"]["scale"]
second = {"The first name of this parameter is a.scale: b.weight is its second name.": ["b.weight"]}
examine(scaled, "weight", [], "a net with a parameter of two names", mistakes=second)
layer = nn.Linear(2, 3)
names = {"A name without a dot is its own last part.": []}
examine(layer, "bias", ["bias"], "nn.Linear(2, 3)", mistakes=names)
examine(layer, "scale", [], "nn.Linear(2, 3)")
named = nn.ModuleDict({"bias": nn.Linear(2, 3), "list": nn.ParameterList([torch.ones(2)])})
anywhere = {"Only the part after the last dot counts.": ["bias.weight", "bias.bias"]}
examine(named, "bias", ["bias.bias"], "a net with a part called bias", mistakes=anywhere)
examine(named, "0", ["list.0"], "a net with a part called bias")
### BEGIN HIDDEN TESTS
deep = nn.Sequential(
    nn.Sequential(nn.Sequential(nn.Linear(2, 2), Gated(2, 4))), nn.PReLU(), nn.Conv2d(1, 2, 3, bias=False)
)
deep[0][0][0].weight.requires_grad_(False)
examine(
    deep,
    "weight",
    ["0.0.0.weight", "0.0.1.inner.0.weight", "0.0.1.inner.2.0.weight", "0.0.1.norm.weight", "1.weight", "2.weight"],
    "a deep net",
)
examine(deep, "gate", ["0.0.1.bias_list.gate"], "a deep net")
examine(deep, "my_bias", ["0.0.1.my_bias"], "a deep net")
examine(deep, "inner", [], "a deep net")
### END HIDDEN TESTS

# %% [markdown]
# ## A parameter carries its gradient
#
# A parameter is more than its values: `.grad` holds its gradient, and `.requires_grad` says whether it gets one.
#
# **Before you run it:** in this net the second layer is frozen and the third one is not used in `forward`. For each layer's weight, the table shows
# at four moments whether `.grad` is `None`, all zeros, or other numbers. Fill in all four rows before you look.


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
# You may write into a parameter between training steps, as long as autograd does not record the write: under `torch.no_grad()`.

# %%
layer = nn.Linear(4, 8)
with torch.no_grad():
    layer.weight.fill_(9.0)
    layer.weight += 1
    layer.weight[0, 0] = 42
print(layer.weight[0])

# %% [markdown]
# In older code you will see `layer.weight.data[0, 0] = 42`. The effect is the same, but `.data` also bypasses the bookkeeping of autograd. Suppose
# you change a value after `forward` that `backward()` still needs: with `.data` the gradient is silently wrong; under `no_grad` you get an error.
#
# **Before you run it:** an optimizer is made first. Then three layers get new weights, all zeros, in three ways. Then the optimizer takes one step. For
# which of the layers does this step change the weight?

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
# The first two keep the `Parameter`, which is what the optimizer holds. (The second one gives it new memory, so a tensor that shared the old memory,
# such as an earlier `weight.detach()`, no longer follows it.) The third puts a *new* object into the layer. It gets its gradient, but the optimizer
# still holds the old object, which nobody uses any more. There is no error: the layer just never learns. Overwrite in place, as the first way does,
# or create the optimizer last.
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
# **Before you run it:** the function below notes the type of each module that it gets. Which modules are on the list for this nested net, and in
# which order?

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
print("first layer:", two[0].weight[0].detach())
print("last layer: ", two[2].weight[0].detach(), two[2].bias.detach())

# %% [markdown]
# ### The same number everywhere?
#
# Starting all weights at the same value, such as 0.05, would be simpler. Training could do the rest.
#
# **Before you run it:** two nets with 16 hidden units train on digits for 200 steps, one from the constant 0.05, the other from normal values. How many *different* hidden
# units does each net have in the end? Does the first one learn anything?

# %% predict varies
torch.set_num_threads(1)  # for nets this small, one thread is faster
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
# Units that start alike compute the same value, get the same gradient and so take the same step. They stay alike for ever: sixteen units do the work of one, and one
# number per image is not enough to tell ten digits apart. Random numbers **break the symmetry**. Biases may start at 0: the weights already differ.
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
        self.inner = nn.Sequential(
            nn.BatchNorm1d(d), nn.Sequential(nn.Linear(c, d), nn.ReLU(), nn.Linear(d, c, bias=False))
        )
        self.table = nn.Embedding(5, 6)
        self.heads = nn.ModuleList([Head(d, c)])
        self.bilinear = nn.Bilinear(2, 3, 4)


def linear_parts(net):
    """The names of the weights and of the biases of the linear layers."""
    layers = [
        (name + "." if name else "", module) for name, module in net.named_modules() if isinstance(module, nn.Linear)
    ]
    return [f"{name}weight" for name, _ in layers], [f"{name}bias" for name, layer in layers if layer.bias is not None]


def moments(values):
    values = values.detach().double()
    return values.mean().item(), values.std().item(), (values**4).mean().item() / (values**2).mean().item() ** 2


def dependence(values):
    """The larger of the correlations between neighbours in a column and in a row; 0 for a constant."""
    values = values.detach().double()
    values = (values - values.mean()) / values.std().clamp(min=1e-9)
    return max((values[1:] * values[:-1]).mean().abs().item(), (values[:, 1:] * values[:, :-1]).mean().abs().item())


def examine(net, std, title):
    weights, biases = linear_parts(net)
    parameters = dict(net.named_parameters())
    for number, name in enumerate(weights + biases):
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
    kept = [name for name in weights if torch.equal(now[name].detach(), before[name])]
    told = (
        f"{kept[0]} still has its old values: are all levels visited, and subclasses, and `net` itself?" if kept else ""
    )
    require(kept == [], f"{call}: every linear layer has new values", told)
    zeros = {name: torch.zeros_like(before[name]) for name in biases}
    drawn = {name: now[name].detach() for name in biases}
    expect(drawn, zeros, f"{call}: the biases are 0")
    for name in weights:
        mean, spread, tail = moments(now[name])
        told = "Neighbours in a row or a column depend on each other: draw each weight on its own."
        swapped = abs(mean - std) < 0.05 and abs(spread - 1) < 0.04
        told_swapped = "`std` went in as the mean: the order is normal_(t, mean, std)."
        require(not swapped, f"{call}: the mean of {name} is close to 0", told_swapped)
        require(dependence(now[name]) < 0.1, f"{call}: the values of {name} do not depend on each other", told)
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
        told = "The spread is right, but not the distribution: is it uniform, or cut off?"
        require(abs(tail - 3) < 0.5, f"{call}: the values of {name} are normal", told)
        sizes = now[name].detach().abs().flatten()
        told = "Some values occur several times, or with both signs: draw each weight on its own."
        require(
            sizes.unique().numel() > 0.97 * sizes.numel(), f"{call}: each value of {name} is drawn on its own", told
        )
    return {name: now[name].detach().clone() for name in weights}


net = Mixed(120, 150)
net.inner[1][0].weight.requires_grad_(False)
net.heads[0].bias.requires_grad_(False)
first = examine(net, 0.2, "a net with many kinds of layers")
second = examine(net, 0.2, "the same net again")
told = "It does not: is a seed set?"
require(all(not torch.equal(first[name], second[name]) for name in first), "the second call draws other values", told)
told = "inner.1.2 and heads.0, which have the same shape, get the same values: draw for each layer."
alike = torch.equal(first["inner.1.2.weight"], first["heads.0.weight"])
require(not alike, "two layers of one shape get different values", told)
examine(nn.Linear(100, 160).double(), 2.5, "nn.Linear(100, 160) in float64")
nets = [nn.Linear(120, 150), nn.Linear(120, 150)]
for net in nets:
    initialise(inplace(net), 1.0)
told = "Two nets got the same values: is a seed set, or a tensor kept?"
require(not torch.equal(nets[0].weight, nets[1].weight), "two nets get different values", told)
torch.manual_seed(3)
single = nn.Linear(1, 1)
initialise(inplace(single), 1.0)
told = "It is not finite. A single value has no spread to divide by: `std` is the parameter of the distribution."
require(math.isfinite(single.weight.item()), "the only weight of nn.Linear(1, 1) is a number", told)
require(torch.initial_seed() == 3, "no seed is set", "Your function sets torch's seed: leave it alone.")
### BEGIN HIDDEN TESTS
net = nn.Sequential(nn.Sequential(Mixed(200, 90)), Head(130, 140, bias=False), nn.Conv2d(1, 2, 3), nn.LayerNorm(4))
net[0][0].heads[0].bias.requires_grad_(False)
examine(net, 0.05, "another net")
examine(Head(300, 100), 1.5, "a subclass of nn.Linear")
### END HIDDEN TESTS

# %% [markdown]
# ### A rule that torch does not have
#
# Every rule is a function that fills a tensor in place, so you can write your own. Here is a strange one, to practise on:
#
# $$w \sim \begin{cases} U(5, 10) & \text{with probability } \tfrac14 \\ 0 & \text{with probability } \tfrac12 \\ U(-10, -5) & \text{with probability } \tfrac14. \end{cases}$$
#
# Here $U(5, 10)$ means uniform between 5 and 10.
#
# **Before you run it:** for each weight, a colleague picks one of the three cases, all three with the same chance. Is the variance of the weights too large or too small, and by what factor?

# %% predict
torch.manual_seed(0)
case = torch.randint(3, (100_000,))
size = torch.empty(100_000).uniform_(5, 10)
colleague = torch.where(case == 0, size, torch.where(case == 1, 0.0, -size))
print(f"share of zeros: {(colleague == 0).double().mean():.3f}")
wanted = 0.5 * (10**3 - 5**3) / 3 / 5  # the explanation derives it
print(f"variance:       {colleague.var():.1f}, where the rule gives {wanted:.1f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Three cases with equal chances make one third of the weights 0 instead of one half. So two thirds of the weights are large instead of one half, and
# the variance is 4/3 of what it should be. The rule's variance is
# $\frac12 E[u^2]$ with $u \sim U(5, 10)$, and $E[u^2] = \frac{10^3 - 5^3}{3 \cdot 5} \approx 58.3$.
#
# </details>
#
# ### Exercise: A rule of your own
#
# Write `strange_(weight)` for this rule. `weight` is a tensor of any shape, of dtype float32 or float64. Fill it **in place**, each element drawn independently of all others, and return `weight`
# itself, as the functions of `nn.init` do.
#
# - It also works if `weight` requires a gradient, as an `nn.Parameter` does; `weight` then stays a leaf, without a `grad_fn`. It also works for a
#   part of a tensor, such as `t[:, ::2]`, and leaves the rest alone.
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
# What the functions of `nn.init` do is not recorded; your own operations are, unless they run under `torch.no_grad()`.
#
# </details>


# %% exercise="strange" difficulty=2 minutes=10
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
    require(
        isinstance(answer, torch.Tensor),
        f"{call} returns a tensor",
        f"Yours is a {type(answer).__name__}: return weight.",
    )
    told = "weight has its old values: nn.init fills it in place; `weight = …` only gives its name to another tensor."
    require(not torch.equal(weight.detach(), before), f"{call} fills weight in place", told)
    require(answer is weight, f"{call} returns weight itself", "Yours is another tensor: return weight.")
    told = "Something was recorded: work under torch.no_grad()."
    require(weight.is_leaf and weight.grad_fn is None, f"after {call} weight is a leaf", told)
    require(
        weight.requires_grad == title.startswith("a para"), f"{call} leaves requires_grad alone", "Yours changes it."
    )
    return weight.detach().clone()


weight = examine(torch.full((300, 100), 77.0), "a tensor of shape (300, 100)")
told = "Some keep their old values. `weight[mask]` is a copy, so `weight[mask].uniform_(…)` changes nothing: assign to `weight[mask]`."
require(not bool((weight == 77).any()), "every element has a new value", told)
zeros, signs = (weight == 0).double(), weight.sign().double()
told = "The whole tensor shares one case: choose it for each element."
if not bool(weight.any()):
    told += " All are 0 here: `weight[mask].uniform_(…)` fills a copy, so assign to `weight[mask]`."
require(signs.unique().numel() > 1, "the elements do not all share one case", told)
row, column = zeros.mean(1).std().item(), zeros.mean(0).std().item()
told = "Whole rows or columns share one case: choose it for each element."
require(row < 0.1 and column < 0.1, "each case is drawn on its own", told)
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
for sign, values in [("positive", weight[weight > 0]), ("negative", weight[weight < 0])]:
    size = values.abs().double()
    told = f"Yours run from {size.min():.2f} to {size.max():.2f}."
    require(size.min().item() < 5.01 and size.max().item() > 9.99, f"the {sign} values fill 5…10 in size", told)
    place = ((size - 5) / 5).sort().values
    wanted = (torch.arange(len(place)) + 0.5) / len(place)
    told = "Some parts of 5…10 have more values than others."
    require((place - wanted).abs().max().item() * len(place) ** 0.5 < 3, f"the {sign} values are uniform", told)
size = weight[weight != 0].abs()
told = "Some sizes occur several times: draw each element on its own."
require(size.unique().numel() > 0.98 * len(size), "each size is drawn on its own", told)
cases = torch.stack([2 * zeros - 1, signs])
products = [(cases[:, 1:] * cases[:, :-1]).mean((1, 2)), (cases[:, :, 1:] * cases[:, :, :-1]).mean((1, 2))]
told = "Neighbours depend on each other: draw the case of each element on its own."
require(torch.cat(products).abs().max().item() < 0.05, "no case depends on its neighbours", told)
again = examine(torch.full((300, 100), 77.0), "another tensor of shape (300, 100)")
require(not torch.equal(again, weight), "a second call draws other values", "Yours gives the same: is a seed set?")
alike = ((again == 0) == (weight == 0)).double().mean().item()
told = f"{alike:.0%} of the places are 0 in both calls or in neither; it should be half of them."
require(abs(alike - 0.5) < 0.05, "a second call draws the zeros anew", told)


def thorough(n):
    for kind in (torch.float32, torch.float64):
        for title, one in [
            ("a parameter of shape (3, n, 5)", nn.Parameter(torch.ones(3, n, 5, dtype=kind))),
            ("a tensor with one dimension", torch.ones(20 * n, dtype=kind)),
        ]:
            values = examine(one, f"{title} in {str(kind)[6:]}")
            expect(shares(values), [0.25, 0.5, 0.25, 0.0], f"the shares for {title}, within 0.08", atol=0.08, rtol=0.0)
        whole = torch.full((n, 61), 0.5, dtype=kind)
        values = examine(whole[:, ::2], f"every second column of a larger tensor in {str(kind)[6:]}")
        expect(shares(values), [0.25, 0.5, 0.25, 0.0], "its shares, within 0.08", atol=0.08, rtol=0.0)
    scalars = [strange_(torch.full((), 3.0)) for _ in range(24)]
    shapes = {str(tuple(one.shape)) for one in scalars}
    require(shapes == {"()"}, "24 tensors without dimensions", f"The shapes are {shapes}.")
    told = f"Yours: {', '.join(f'{one.item():.3g}' for one in scalars)}."
    fine = all(one.item() == 0 or 5 <= abs(one.item()) <= 10 for one in scalars)
    require(fine, "each of them is 0, or from 5 to 10 in size", told)
    none = sum(one.item() == 0 for one in scalars)
    told = f"{none} of them are 0: a single element is 0 with probability 1/2, too."
    require(0 < none < 24, "some of them are 0 and some are not", told)
    whole = torch.full((n, 7), 0.5)
    part = whole[:, ::2]
    strange_(inplace(part))
    expect(whole[:, ::2], part, "the larger tensor has the new values")
    rest = whole[:, 1::2]
    expect(rest, torch.full((n, 3), 0.5), "the columns in between are left alone")
    parameter = nn.Parameter(torch.full((n,), 0.5))
    earlier = parameter.detach()
    strange_(inplace(parameter))
    told = "It does not: `.data = …` gives the parameter other memory. Write into the memory that it has."
    require(torch.equal(earlier, parameter.detach()), "an earlier detach() of a parameter sees the new values", told)


thorough(200)
torch.manual_seed(3)
strange_(torch.ones(3))
require(torch.initial_seed() == 3, "no seed is set", "Your function sets torch's seed: leave it alone.")
### BEGIN HIDDEN TESTS
thorough(190)
### END HIDDEN TESTS

# %% [markdown]
# ## Fifty layers
#
# How large should the weights be at the start? Ask what is left of a signal after many layers. We send 200 samples through 50 layers of 256 units without biases, and measure
# the standard deviation of the activations after some of them.

# %%
rules = {
    "std 0.01": lambda weight: nn.init.normal_(weight, std=0.01),
    "std 1": lambda weight: nn.init.normal_(weight, std=1.0),
    "default": lambda weight: nn.init.kaiming_uniform_(weight, a=math.sqrt(5)),  # as nn.Linear does
    "Xavier": nn.init.xavier_normal_,
    "He": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
}


def run_deep(rule, activation, depth=50, width=256):
    """The activations after each layer, and the gradients that arrive there."""
    torch.manual_seed(0)
    h, activations = torch.randn(200, width, requires_grad=True), []
    for _ in range(depth):
        h = activation(h @ rule(torch.empty(width, width)).t())
        h.retain_grad()
        activations.append(h)
    h.backward(torch.randn_like(h))
    return [a.detach() for a in activations], [a.grad for a in activations]


def show_table(name_of_activation, part=0):
    """The standard deviations of the activations (part 0) or of the gradients (part 1)."""
    print(f"layer{1:>13}{10:>10}{25:>10}{50:>10}")
    for name in rules:
        values = deep[name_of_activation, name][part]
        print(f"{name:8}" + "".join(f"{values[i].double().std().item():10.1e}" for i in (0, 9, 24, 49)))


# %% [markdown]
# **Before you run it:** with 256 units, the default, Xavier's and He's rule give weights with standard deviations of 0.036, 0.0625 and 0.088. With
# tanh, the five rules lead to very different results. For which do the activations die out? For which do they stay near ±1, and for which in between?

# %% predict varies
deep = {("tanh", name): run_deep(rule, torch.tanh) for name, rule in rules.items()}
show_table("tanh")


# %% predict varies folded label="Draw the tanh activations by depth"
def draw_depths(activation, low, high, alt, zeros=True):
    """One histogram for each rule and four depths; without zeros, if there are too many to see anything else."""
    figure, axes = plt.subplots(len(rules), 4, figsize=(6.4, 7.2), sharex=True, layout="constrained")
    for row, name in zip(axes, rules):
        activations, _ = deep[activation, name]
        for ax, layer in zip(row, (1, 10, 25, 50)):
            values = activations[layer - 1].flatten()
            inside = values[(values >= low) & (values <= high) & (zeros | (values != 0))].numpy()
            ax.hist(inside, np.linspace(low, high, 41), color=COLOURS["output"], histtype="stepfilled")
            ax.set(yticks=[], xlim=(low, high), ylim=(0, None))
            ax.spines[["top", "right", "left"]].set_visible(False)
            spread = values.std().item()
            ax.set_title(f"std {spread:.1e}" if math.isfinite(spread) else "overflow", fontsize=10, color=INK)
        row[0].set_ylabel(name, fontsize=12, color=INK)
    for ax, layer in zip(axes[-1], (1, 10, 25, 50)):
        ax.set_xlabel(f"layer {layer}", fontsize=11)
    show(figure, alt=alt)


draw_depths(
    "tanh",
    -1,
    1,
    alt="Histograms of the tanh activations after layers 1, 10, 25 and 50, one row for each rule. With std 0.01 and the default they shrink to a "
    "spike at 0. With std 1 nearly all are at -1 and 1. With Xavier they slowly become narrower, with He they stay broad.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# An output $s$ of a layer, before the activation function, is a sum of $\mathrm{fan\_in}$ products of a weight and an input $h$. With independent weights of mean 0 and variance $\sigma^2$,
#
# $$\mathrm{Var}(s) = \mathrm{fan\_in} \cdot \sigma^2 \cdot E[h^2].$$
#
# So each layer multiplies the mean square of the signal by $\mathrm{fan\_in}\cdot\sigma^2$, and tanh makes it smaller, the more so the larger it is.
# For 256 inputs: with std 0.01 the factor is 0.026, and after 50 layers nothing is left. The default has $\sigma^2 = 1/(3\,\mathrm{fan\_in})$ and a
# factor of ⅓. With std 1 it is 256: almost every tanh is driven to ±1, where its slope is almost 0: the unit is *saturated*. You will soon see what
# that means for the gradient. Xavier's rule has a factor of 1, so that only the tanh itself makes the signal smaller, slowly. He's has a factor of 2,
# which the tanh cuts back until the two balance.
#
# </details>
#
# **Before you run it:** now the ReLU, which sets about half of the values to 0. Under Xavier's rule, what does that do to the signal over 50 layers?
# And what happens with std 1? (The histograms leave out the zeros.)

# %% predict varies
deep |= {("ReLU", name): run_deep(rule, F.relu) for name, rule in rules.items()}
show_table("ReLU")

# %% predict varies folded label="Draw the ReLU activations by depth"
draw_depths(
    "ReLU",
    0,
    4,
    zeros=False,
    alt="Histograms of the positive ReLU activations after layers 1, 10, 25 and 50, one row for each rule. With std 0.01, the default and Xavier all values shrink to 0. "
    "With std 1 they leave the picture and overflow. With He the histograms look alike at all four depths.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The ReLU halves the mean square: $E[\mathrm{ReLU}(s)^2] = \frac12 \mathrm{Var}(s)$. With Xavier's rule each layer halves it, and $2^{-50}$ of it is
# left, or $2^{-25} \approx 3 \cdot 10^{-8}$ of the standard deviation. With the default, the mean square falls by a factor of 6 per layer. With std 1
# the values grow until float32 overflows to infinity, and ∞ − ∞ is *nan*. He's rule doubles the variance that Xavier's gives, which makes up exactly
# for the ReLU.
#
# </details>
#
# ### Backwards through the layers
#
# The gradient goes through the same layers in the other direction, and is multiplied by the same weights. At layer 50 we
# feed in standard normal numbers as the gradient, so its standard deviation there is 1; `retain_grad()` keeps what arrives at each layer.
#
# **Before you run it:** with He's rule and the ReLU, how large is the gradient that arrives at layer 1, compared with the one at layer 50? And with
# tanh and std 1, where the activations are of full size at every depth? (The first picture shows the standard deviations, the second one histograms
# of the sizes of the gradients at four depths.)

# %% predict varies
for name in ("tanh", "ReLU"):
    print(f"gradients with {name}")
    show_table(name, part=1)

# %% predict varies folded label="Draw activations and gradients through the layers"
figure, axes = plt.subplots(2, 2, figsize=(6.4, 6.0), sharex=True, sharey=True, layout="constrained")
styles = dict(zip(rules, ["-", "--", ":", "-.", "-"]))
for column, activation in enumerate(("tanh", "ReLU")):
    for row, part in enumerate(("activations", "gradients")):
        ax = axes[row, column]
        for name in rules:
            spread = [one.double().std().item() for one in deep[activation, name][row]]
            colour = COLOURS["output" if row == 0 else "loss"] if name == "He" else INK
            ax.plot(range(1, 51), spread, styles[name], color=colour, lw=2.6 if name == "He" else 1.6, label=name)
        ax.set(yscale="log", ylim=(1e-25, 1e25), yticks=[1e-20, 1e-10, 1, 1e10, 1e20], title=f"{part}, {activation}")
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    axes[1, column].set_xlabel("layer")
axes[0, 0].set_ylabel("standard deviation")
axes[1, 0].set_ylabel("standard deviation")
legend = figure.legend(
    *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=10
)
for line in legend.get_lines():
    line.set_color(INK)  # "He" is green above and red below
show(
    figure,
    alt="Four plots on a logarithmic scale: standard deviation of activations and gradients over 50 layers, for tanh and ReLU. With std 0.01 and the default both "
    "fall by many powers of ten. With std 1 the gradients grow towards the first layer, also with tanh. With He and the ReLU both stay level.",
)

# %% predict varies folded label="Draw the gradients by depth"
figure, axes = plt.subplots(len(rules), 2, figsize=(6.4, 8.4), sharex=True, layout="constrained")
edges = np.linspace(-30, 30, 121)
for row, name in zip(axes, rules):
    row[0].set_ylabel("layer")
    for ax, activation in zip(row, ("tanh", "ReLU")):
        for height, layer in enumerate((1, 10, 25, 50)):
            sizes = deep[activation, name][1][layer - 1].double().abs().flatten()
            sizes = sizes[sizes.isfinite() & (sizes > 0)].log10().numpy()
            counts, _ = np.histogram(sizes, edges)
            ax.axhline(height, color=INK, lw=0.6)
            if counts.any():
                full = slice(counts.nonzero()[0][0], counts.nonzero()[0][-1] + 1)
                heights = height + 0.85 * counts[full] / counts.max()
                ax.stairs(heights, edges[full.start : full.stop + 1], baseline=height, fill=True, color=COLOURS["loss"])
        ax.set(
            xlim=(-30, 30),
            yticks=[0.3, 1.3, 2.3, 3.3],
            yticklabels=["1", "10", "25", "50"],
            title=f"{name}, {activation}",
        )
        ax.tick_params(axis="y", length=0)
        ax.spines[["top", "right", "left"]].set_visible(False)
for ax in axes[-1]:
    ax.set(xlabel="size", xticks=[-20, 0, 20], xticklabels=["1e-20", "1", "1e20"])
show(
    figure,
    alt="Histograms of the sizes of the gradients at layers 1, 10, 25 and 50, one row for each rule, tanh on the left and ReLU on the right. With std 0.01 and the default "
    "the histograms move to the left towards layer 1, with Xavier only those of the ReLU do. With std 1 they move to the right. With He they stay in place for the ReLU and nearly so for tanh.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Going backwards, a layer multiplies the gradient's variance by $\mathrm{fan\_out}\cdot\sigma^2$, and the activation's slope takes its share. So gradients **vanish** or **explode** as the signal
# does. With He's rule and the ReLU they keep their size from layer 50 down to layer 1. With tanh, it is Xavier's rule that comes closer.
#
# With tanh and std 1 you might expect them to vanish, since the slopes of the saturated units are almost 0. But a few units are not saturated, and the factor of 256 wins: the gradient explodes
# although the activations look tame. With std 0.01 and the ReLU, the activations of the last layers are exactly 0 in float32, and a ReLU at 0 passes no gradient at all.
# Where a line or a histogram is missing, the values have left the picture or even the range of float32.
#
# </details>
#
# **The two rules.** Without an activation function, $\sigma^2 = 1/\mathrm{fan\_in}$ would keep the size of the signal, and $1/\mathrm{fan\_out}$ that of the gradient. Xavier Glorot's rule (2010) is a
# compromise between the two and is meant for tanh. Kaiming He's (2015) is meant for the ReLU and sides with the signal:
#
# $$\sigma^2_{\text{Xavier}} = \frac{2}{\mathrm{fan\_in} + \mathrm{fan\_out}}, \qquad \sigma^2_{\text{He}} = \frac{2}{\mathrm{fan\_in}}.$$
#
# $\mathrm{fan\_in}$ is the number of products in one output. A linear weight of shape $(D, C)$ has $\mathrm{fan\_in} = C$ and $\mathrm{fan\_out} = D$. A kernel of shape $(D, C, k_H, k_W)$ sums over its positions, too:
# $\mathrm{fan\_in} = C\, k_H k_W$, and $\mathrm{fan\_out} = D\, k_H k_W$; with 1-d and 3-d kernels it is the same with one size or three.
#
# ### Exercise: Xavier's and He's bounds
#
# Both rules also come in a uniform version with values from $U(-a, a)$, which has the variance $a^2/3$. Write `bound(shape, rule)`. It returns the
# $a$ for which $U(-a, a)$ has the variance that the rule asks for, as a Python float.
#
# - `shape` is the shape of a weight, a tuple of 2 (linear) to 5 ints (1-d, 2-d and 3-d convolutions have 3, 4 and 5), all at least 1.
# - `rule` is `"xavier"` or `"he"`. For any other string, raise a `ValueError`.
#
# <details><summary>Hint 1: from the variance to the bound</summary>
#
# Solve $a^2 / 3 = \sigma^2$ for $a$.
#
# </details>
#
# <details><summary>Hint 2: the positions of a kernel</summary>
#
# `math.prod(shape[2:])` is the product of all sizes from the third on, and 1 if there are none.
#
# </details>


# %% exercise="bound" difficulty=2 minutes=8
def bound(shape: tuple[int, ...], rule: str) -> float:
    """The bound a of U(−a, a) for a weight of this shape, by Xavier's or He's rule."""
    ### BEGIN SOLUTION
    if rule not in ("xavier", "he"):
        raise ValueError(f"unknown rule {rule!r}: xavier or he")
    positions = math.prod(shape[2:])
    fan_in, fan_out = shape[1] * positions, shape[0] * positions
    variance = 2 / fan_in if rule == "he" else 2 / (fan_in + fan_out)
    return math.sqrt(3 * variance)
    ### END SOLUTION


# %% check="bound" points=2
answer = bound((100, 300), "xavier")
told = f"Yours is a {type(answer).__name__}: use math.sqrt, or float(…) around the result."
require(type(answer) is float, 'bound((100, 300), "xavier") is a float', told)
expect(
    bound((100, 300), "xavier"),
    0.1224744871,
    'bound((100, 300), "xavier")',
    mistakes={
        "That is the standard deviation: the bound is larger, because the variance is a²/3.": 0.0707106781,
        "That is the square of the bound: the root is missing.": 0.015,
        "That is He's bound.": 0.1414213562,
        "The 2 of the rule is missing.": 0.0866025404,
        "The sum in the denominator needs brackets: 6 / (fan_in + fan_out).": 10.0009999500,
    },
)
expect(
    bound((100, 300), "he"),
    0.1414213562,
    'bound((100, 300), "he")',
    mistakes={
        "You used fan_out: the weight's shape is (fan_out, fan_in).": 0.2449489743,
        "That is the standard deviation: the bound is larger, because the variance is a²/3.": 0.0816496581,
        "That is 1/√fan_in, the bound of nn.Linear's default: start from He's variance, 2/fan_in.": 0.0577350269,
        "That is the square of the bound: the root is missing.": 0.02,
    },
)
expect(
    bound((16, 8, 5, 3), "he"),
    0.2236067977,
    'bound((16, 8, 5, 3), "he")',
    mistakes={
        "The positions of the kernel are missing: each output sums over 8 · 5 · 3 products.": 0.8660254038,
        "Only the first size of the kernel is counted.": 0.3872983346,
        "fan_in does not include the 16 kernels.": 0.0559016994,
        "The kernel need not be square.": 0.1732050808,
    },
)
expect(
    bound((16, 8, 5, 3), "xavier"),
    0.1290994449,
    'bound((16, 8, 5, 3), "xavier")',
    mistakes={
        "fan_out counts the positions of the kernel, too.": 0.2100420126,
        "No kernel positions are counted.": 0.5,
    },
)
for shape, xavier_bound, he_bound in [
    ((1, 1), 1.7320508076, 2.4494897428),
    ((4, 6, 5), 0.3464101615, 0.4472135955),
    ((2, 3, 2, 3, 4), 0.2236067977, 0.2886751346),
]:
    expect([bound(shape, "xavier"), bound(shape, "he")], [xavier_bound, he_bound], f"both bounds for {shape}")
expect_error(ValueError, lambda: bound((2, 3), "normal"), 'bound((2, 3), "normal") raises a ValueError')
expect_error(ValueError, lambda: bound((2, 3, 4), "He"), 'bound((2, 3, 4), "He") raises a ValueError')
expect_error(ValueError, lambda: bound((2, 3), ""), 'bound((2, 3), "") raises a ValueError')
expect_error(ValueError, lambda: bound((2, 3), "xavier_he"), 'bound((2, 3), "xavier_he") raises a ValueError')
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(5)
for shape in [(7, 900), (900, 7), (30, 20, 9), (9, 5, 7, 11), (3, 2, 6, 5, 4)]:
    largest = []
    for fill in (nn.init.xavier_uniform_, nn.init.kaiming_uniform_):
        tensors = [
            fill(torch.empty(shape), **({} if fill is nn.init.xavier_uniform_ else {"nonlinearity": "relu"}))
            for _ in range(8)
        ]
        largest.append(max(one.abs().max().item() for one in tensors))
    expect(
        [bound(shape, "xavier"), bound(shape, "he")],
        largest,
        f"both bounds for {shape}, within 0.5 %",
        rtol=0.005,
        atol=0.0,
    )
expect_error(ValueError, lambda: bound((2, 3, 1), "Xavier"), 'bound((2, 3, 1), "Xavier") raises a ValueError')
expect_error(ValueError, lambda: bound((2, 3), "the"), 'bound((2, 3), "the") raises a ValueError')
expect_error(ValueError, lambda: bound((2, 3), "x"), 'bound((2, 3), "x") raises a ValueError')
### END HIDDEN TESTS

# %% [markdown]
# ## A scale for any activation
#
# He's factor of 2 belongs to the ReLU. What is it for GELU, or for a function that you have just invented? The weights of a layer with $\mathrm{fan\_in}$ inputs get the standard deviation
# $\sigma = \gamma / \sqrt{\mathrm{fan\_in}}$, where the **gain** $\gamma$ makes up for what the activation $f$ does to the mean square of a standard normal $z$:
#
# $$\gamma = \frac{1}{\sqrt{E[f(z)^2]}}, \qquad z \sim N(0, 1).$$
#
# Check it with the ReLU: $E[\mathrm{ReLU}(z)^2] = \frac12$, so $\gamma = \sqrt 2$ and $\sigma^2 = 2/\mathrm{fan\_in}$.
#
# ### Exercise: The gain of any activation
#
# Write `gain(activation)`: $\gamma$ as a Python float, correct to within 1 %.
#
# - `activation` is a function, or a module without parameters, that maps each element of a float tensor on its own and returns a new tensor. It may have jumps, and its mean
#   need not be 0.
# - Every call with the same function gives the same number, and torch's random numbers are left as they were: code that draws after your call draws the same values as without it.
#
# <details><summary>Hint 1: an expected value is a mean</summary>
#
# Two ways lead there: the mean over many random $z$ (a million are enough for the functions that the check tries), or an integral, as a sum over a fine grid from −8 to 8: $E[f(z)^2] = \int f(z)^2\, \varphi(z)\, dz$ with the density
# $\varphi(z) = e^{-z^2/2}/\sqrt{2\pi}$.
#
# </details>
#
# <details><summary>Hint 2: random numbers without a trace</summary>
#
# `torch.Generator().manual_seed(0)` makes a generator of your own; `torch.randn(1_000_000, generator=g)` draws from it. A grid needs no random numbers.
#
# </details>


# %% exercise="gain" difficulty=3 minutes=12
def gain(activation) -> float:
    """1/√E[f(z)²] for standard normal z, where f is the activation."""
    ### BEGIN SOLUTION
    z = torch.linspace(-8, 8, 16_001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    with torch.no_grad():
        mean_square = (activation(z) ** 2 * density).sum().item() * 16 / 16_000
    return 1 / math.sqrt(mean_square)
    ### END SOLUTION


# %% check="gain" points=3
def examine(activation, wanted, title, mistakes=None):
    answer = gain(activation)
    advice = "is a `return` missing?" if answer is None else ".item() turns a tensor into a number."
    require(type(answer) is float, f"gain({title}) is a float", f"Yours is a {type(answer).__name__}: {advice}")
    expect(answer, wanted, f"gain({title}), within 1 %", rtol=0.01, atol=0.0, mistakes=mistakes)
    return answer


def step(z):
    """0 up to 1, then 1."""
    return (z > 1).to(z.dtype)


def waves(z):
    return torch.cos(z) + 0.5


def squared(z):
    return F.relu(z) ** 2


unit, half = gain(nn.Identity()), gain(F.relu)
if type(unit) is float and type(half) is float:
    told = (
        f"Both are {unit:.4g} times what they should be: is the step of the grid missing, or a factor of the density?"
    )
    same = unit < 0.9 and abs(half - 1.41421 * unit) < 0.01 * unit
    require(not same, "the gains of nn.Identity() and F.relu are not both off by one factor", told)
    told = f"Yours is {half:.5g}, which is close: take more random numbers, or a finer grid."
    require(not 0.01 < abs(half / 1.41421 - 1) < 0.12, "gain(F.relu) is correct to within 1 %", told)
first = examine(
    F.relu,
    1.41421,
    "F.relu",
    mistakes={
        "That is the mean square, E[f(z)²].": 0.5,
        "The root is missing: γ = 1/√E[f(z)²].": 2.0,
        "That is √E[f(z)²]: take its inverse.": 0.70711,
        "That is 1 over the standard deviation: the mean square does not subtract the mean.": 1.71289,
        "Square f(z) before you take the mean.": 2.50663,
        "The mean is over a uniform z: draw from the normal distribution.": 2.44949,
    },
)
examine(
    torch.tanh,
    1.59254,
    "torch.tanh",
    mistakes={"That is calculate_gain's rule of thumb, 5/3: use the formula.": 1.66667},
)
examine(nn.GELU(), 1.53353, "nn.GELU()")
examine(step, 2.51058, "a step at 1")
examine(
    waves,
    0.83794,
    "cos(z) + 0.5",
    mistakes={"That is 1 over the standard deviation: the mean square does not subtract the mean.": 2.23726},
)
examine(nn.Identity(), 1.0, "nn.Identity()")
examine(squared, 0.81650, "relu(z)²")
again = gain(F.relu)
require(
    again == first,
    "a second call gives the same number",
    f"First {first}, then {again}: it depends on torch's random numbers.",
)
numbers = []
for turn in range(2):
    torch.manual_seed(3)
    torch.rand(5)
    if turn:
        gain(torch.sin)
    numbers.append([torch.rand(()).item(), gain(nn.RReLU())])  # RReLU draws its slopes from torch's random numbers
told = "They are not: use a generator of your own, or a grid."
require(numbers[0] == numbers[1] and torch.initial_seed() == 3, "torch's random numbers are left as they were", told)
### BEGIN HIDDEN TESTS
for activation, wanted, title in [
    (F.silu, 1.67653, "F.silu"),
    (torch.sin, 1.52092, "torch.sin"),
    (nn.Hardtanh(), 1.39204, "nn.Hardtanh()"),
    (lambda z: 3 * z.abs(), 0.33333, "3·|z|"),
    (lambda z: torch.full_like(z, -4.0), 0.25, "the constant −4"),
    (lambda z: (z > 0).to(z.dtype) * 2, 0.70711, "a step of 2 at 0"),
]:
    examine(activation, wanted, title)
### END HIDDEN TESTS

# %% [markdown]
# <details><summary>And what does torch say?</summary>
#
# `nn.init.calculate_gain("relu")` is $\sqrt 2$. For tanh it gives 5/3, a rule of thumb, where the formula gives 1.59. It knows no gain for GELU or SiLU.
#
# </details>
#
# ## What the scale does to training
#
# Twenty layers with ReLUs, 64 units wide, read digits. Everything is the same in each run except the initial weights.
#
# **Before you run it:** for which of the five rules does the loss fall within 150 steps? The loss of a guess is $\ln 10 \approx 2.30$.


# %% predict varies
def deep_net(rule, depth=20):
    torch.manual_seed(0)
    layers = []
    for _ in range(depth):
        layers += [nn.Linear(64, 64), nn.ReLU()]
        rule(layers[-2].weight)
        nn.init.zeros_(layers[-2].bias)
    return nn.Sequential(*layers, nn.Linear(64, 10))


def train_deep(net, steps=150):
    """The loss at each step, over batches of 128 digits."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.003, momentum=0.9)
    g, losses = torch.Generator().manual_seed(1), []
    for _ in range(steps):
        batch = torch.randint(0, 1400, (128,), generator=g)
        loss = F.cross_entropy(net(digits[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


curves = {name: train_deep(deep_net(rule)) for name, rule in rules.items()}
for name, losses in curves.items():
    print(
        f"{name:9} loss at first {losses[0]:.3g}, one step later {losses[1]:.3g}, in the last ten steps {sum(losses[-10:]) / 10:.2f}"
    )


# %% predict varies folded label="Draw the five loss curves"
def draw_curves(curves, alt):
    figure, ax = plot_axes(6.4, 3.4)
    for (name, losses), style in zip(curves.items(), ["-", "--", ":", "-.", (0, (5, 1))]):
        if math.isfinite(losses[-1]):
            ax.plot(losses, linestyle=style, color=COLOURS["loss"] if losses[-1] < 1.5 else INK, lw=2, label=name)
    ax.set(xlabel="step", ylabel="loss", ylim=(0, 3.2))
    ax.legend(frameon=False, fontsize=10)
    show(figure, alt=alt)


draw_curves(
    curves,
    alt="Loss over 150 steps. The curves of std 0.01, of the default and of Xavier stay level at 2.3. The curve of He falls below 0.5. That of std 1 is missing: its loss is not a number.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only He's net learns. With three of the others, the outputs hardly depend on the input and the gradients are tiny: the loss stays at that of a
# guess. With std 1 the very first loss is enormous, and one step later it is *nan*. `nn.Linear`'s default does well in nets of a few layers, as in
# the earlier notebooks. For a deep net, choose the rule yourself, or use residual blocks (`10_modules`) or normalisation.
#
# </details>

# %% [markdown]
# ## Tied parameters
#
# Two layers can hold the *same* parameter: assign it. Many language models do this: the table of word vectors at the input is also the weight of the last layer.
#
# **Before you run it:** two pairs of layers. In the first, the second layer gets the first one's parameter; in the second pair, it gets a *new* `nn.Parameter` with a copy of the values. How many
# parameters does each pair have, and are the two weights still equal after one step of training?

# %% predict
torch.manual_seed(0)
tied = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
tied[1].weight = tied[0].weight
copied = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
copied[1].weight = nn.Parameter(copied[0].weight.detach().clone())

for name, pair in [("the same", tied), ("a new one", copied)]:
    optimizer = torch.optim.SGD(pair.parameters(), lr=0.1)
    pair(torch.randn(8, 4)).square().sum().backward()
    optimizer.step()
    equal = torch.equal(pair[0].weight, pair[1].weight)
    print(
        f"{name:10} parameters: {len(list(pair.parameters()))}   in the state_dict: {len(pair.state_dict())}   equal: {equal}"
    )

# %% [markdown]
# <details><summary>Why?</summary>
#
# The tied pair has one parameter; its gradient is the sum over both uses, and whatever changes it changes both layers. The state_dict lists it under both names. The copy starts with
# equal values and goes its own way.
#
# </details>
#
# **Before you run it:** which of these keep the tie: `copy.deepcopy(tied)`, loading the state_dict into the tied net, loading it into a *fresh* net of the same layers, `tied.double()`?

# %% predict
import copy

twin = copy.deepcopy(tied)
fresh = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
fresh.load_state_dict(tied.state_dict())
tied.load_state_dict(tied.state_dict())
candidates = {
    "copy.deepcopy(tied)": twin,
    "tied, loaded again": tied,
    "a fresh net, loaded": fresh,
    "tied.double()": tied.double(),
}
for name, pair in candidates.items():
    print(f"{name:22} still one parameter: {pair[0].weight is pair[1].weight}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# `deepcopy` copies each object once, so the copy is tied, too. `double()` changes the parameter that both layers hold. A state_dict holds
# values, not ties. Loading copies the values into the parameters that are there, so a tied net stays tied and a fresh one stays untied. That is why the tie belongs in `__init__` or `forward`.
#
# </details>
#
# ### Exercise: Tie encoder and decoder
#
# An autoencoder squeezes its input through a few numbers, its *code*, and rebuilds it: code $= \tanh(x W^T + b)$, output $= \text{code} \cdot W + c$. Encoder and decoder share the one weight $W$; the decoder uses it transposed.
#
# Write `TiedAutoencoder(in_features, hidden)`, a module with exactly three parameters:
#
# - `encoder`, an `nn.Linear(in_features, hidden)` with its usual initial values, holds $W$ and $b$;
# - `decoder_bias` is $c$, of shape `(in_features,)`, initially 0.
#
# `forward(x)` takes `x` of shape `(…, in_features)` and returns the output, of the same shape; `x` stays as it is. Gradients reach `x` and all three parameters, $W$ along both paths. The tie must also hold after `net.double()`,
# after `load_state_dict` and after an optimizer's step.
#
# <details><summary>Hint 1: where does the second weight come from?</summary>
#
# There is none. `forward` uses `self.encoder.weight` twice, so nothing can come apart.
#
# </details>
#
# <details><summary>Hint 2: which product?</summary>
#
# The code has shape `(…, hidden)`, $W$ is `(hidden, in_features)`: the product of the two already has the shape of `x`.
#
# </details>


# %% exercise="tied" difficulty=2 minutes=10
class TiedAutoencoder(nn.Module):
    """tanh(x Wᵀ + b) W + c, with one W for both directions.

    Args:
        in_features: the size of a sample.
        hidden: the size of the code.
    """

    def __init__(self, in_features: int, hidden: int):
        ### BEGIN SOLUTION
        super().__init__()
        self.encoder = nn.Linear(in_features, hidden)
        self.decoder_bias = nn.Parameter(torch.zeros(in_features))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (…, in_features). Returns: the same shape."""
        ### BEGIN SOLUTION
        code = torch.tanh(self.encoder(x))
        return code @ self.encoder.weight + self.decoder_bias
        ### END SOLUTION


# %% check="tied" points=3
from contextlib import contextmanager


@contextmanager
def unfilled_is_nan():
    """Inside, torch.empty gives nan, so that a parameter that nobody has filled shows."""
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def told(shapes):
    return {name: str(tuple(shape)) for name, shape in sorted(shapes.items())}


def twin_of(values):
    """Two separate layers with the same numbers."""
    w, b, c = (values[name].detach() for name in ("encoder.weight", "encoder.bias", "decoder_bias"))
    twin = nn.Sequential(nn.Linear(w.shape[1], w.shape[0]), nn.Tanh(), nn.Linear(w.shape[0], w.shape[1])).to(w.dtype)
    twin.load_state_dict({"0.weight": w, "0.bias": b, "2.weight": w.t(), "2.bias": c})
    return twin


def copy_of(earlier, twin, x):
    """What a decoder gives that has a copy of an earlier W."""
    told = "The decoder uses a copy of an earlier W: read self.encoder.weight in forward."
    return {} if earlier is None else {told: F.linear(twin[:2](x), earlier.t(), twin[2].bias).detach()}


def compare(net, x, what, tolerance=1e-4, earlier=None):
    """Output and gradients beside those of two separate layers, whose gradients for W are added; W was `earlier` before."""
    parameters = dict(net.named_parameters())
    twin = twin_of(parameters)
    net.zero_grad()
    x = x.detach().requires_grad_()
    other = x.detach().clone().requires_grad_()
    before = other.detach().clone()
    y, wanted = net(inplace(x)), twin(other)
    require(isinstance(y, torch.Tensor), f"{what}: the output is a tensor", f"Yours is {y}: is a `return` missing?")
    expect(x.detach(), before, f"{what}: x is left as it was")
    plain = nn.Sequential(twin[0], twin[2])
    expect(
        y.detach(),
        wanted.detach(),
        f"{what}: the output for x of shape {tuple(x.shape)}",
        rtol=tolerance,
        atol=tolerance,
        mistakes={
            "The tanh is missing.": plain(other).detach(),
            "decoder_bias is not added.": (wanted - twin[2].bias).detach(),
            "There is a tanh after the decoder, too.": wanted.tanh().detach(),
            "This is the code: decode it.": twin[:2](other).detach(),
            "You used a ReLU.": twin[2](F.relu(twin[0](other))).detach(),
        }
        | copy_of(earlier, twin, other),
    )
    require(
        y.requires_grad, f"{what}: autograd passes through", "The path is cut: .data, .detach() and no_grad do that."
    )
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    (y * weights).sum().backward()
    (wanted * weights).sum().backward()
    both, one, two = twin[0].weight.grad + twin[2].weight.grad.t(), twin[0].weight.grad, twin[2].weight.grad.t()
    gradients = {name: parameter.grad for name, parameter in parameters.items()}
    missing = [name for name, gradient in gradients.items() if gradient is None]
    told = f"None reaches {', '.join(missing)}: use the parameter itself in forward."
    require(missing == [], f"{what}: a gradient reaches every parameter", told)
    expect(
        gradients["encoder.weight"],
        both,
        f"{what}: the gradient of W",
        rtol=1e-3,
        atol=1e-4,
        mistakes={
            "Only the encoder's use counts: the decoder's is detached or a copy.": one,
            "Only the decoder's use counts: the encoder's is detached or a copy.": two,
        },
    )
    rest = {name: gradients[name] for name in ("encoder.bias", "decoder_bias")}
    expect(
        rest,
        {"encoder.bias": twin[0].bias.grad, "decoder_bias": twin[2].bias.grad},
        f"{what}: the gradients of the biases",
        rtol=1e-3,
        atol=1e-4,
    )
    require(x.grad is not None, f"{what}: a gradient reaches x", "None reaches it.")
    expect(x.grad, other.grad, f"{what}: the gradient of x", rtol=1e-3, atol=1e-4)


def examine(c, h, seed):
    g = torch.Generator().manual_seed(seed)
    name = f"TiedAutoencoder({c}, {h})"
    with unfilled_is_nan():
        net = TiedAutoencoder(c, h)
    shapes = {"encoder.weight": (h, c), "encoder.bias": (h,), "decoder_bias": (c,)}
    found = {part: parameter.shape for part, parameter in net.named_parameters()}
    second = [part for part, shape in found.items() if len(shape) == 2 and part != "encoder.weight"]
    advice = "Use self.encoder.weight for both directions in forward: the decoder needs no layer of its own."
    told_second = f"{second[0]} is a second one. {advice}" if second else ""
    require(second == [] or "encoder.weight" not in found, f"{name} has one weight", told_second)
    expect(
        told(found),
        told(shapes),
        f"names and shapes of the parameters of {name}",
        mistakes={
            "The bias is called decoder_bias: the decoder needs no layer of its own.": told(
                {"encoder.weight": (h, c), "encoder.bias": (h,), "decoder.bias": (c,)}
            ),
            "decoder_bias is not registered: make it an nn.Parameter.": told(
                {"encoder.weight": (h, c), "encoder.bias": (h,)}
            ),
            "decoder_bias has one number for each of the in_features.": told(shapes | {"decoder_bias": (h,)}),
        },
    )
    kind = dict(net.named_modules())["encoder"].__class__.__name__
    expect(kind, "Linear", f"the encoder of {name}")
    parameters = dict(net.named_parameters())
    filled = bool(parameters["decoder_bias"].isfinite().all())
    require(
        filled, f"decoder_bias of {name} has values", "It was never filled: use torch.zeros rather than torch.empty."
    )
    expect(parameters["decoder_bias"].detach().clone(), torch.zeros(c), f"the initial decoder_bias of {name}")
    start = parameters["encoder.weight"].detach().clone()
    first_bias = parameters["encoder.bias"].detach().clone()
    small = max(start.abs().max().item(), first_bias.abs().max().item()) <= 1 / c**0.5
    usual = small and start.unique().numel() > 1 and bool(first_bias.all())
    require(usual, f"the encoder of {name} has nn.Linear's initial values", "Leave them as nn.Linear draws them.")
    values = {part: torch.randn(size, generator=g) for part, size in shapes.items()}
    net.load_state_dict(values)
    compare(net, torch.randn(6, c, generator=g), f"{name} after load_state_dict", earlier=start)
    torch.optim.SGD(net.parameters(), lr=0.05).step()
    compare(net, torch.randn(c, 5, generator=g).t(), f"{name} after a step")
    compare(net, torch.randn(2, 3, c, generator=g), f"{name}, more dimensions")
    compare(net, torch.randn(c, generator=g), f"{name}, one sample")
    compare(net, 1000 * torch.randn(4, c, generator=g), f"{name}, large values")
    net.double()
    compare(net, torch.randn(3, c, generator=g, dtype=torch.float64), f"{name} after net.double()", 1e-9)


examine(5, 3, 61)
large = dict(TiedAutoencoder(100, 50).named_parameters())["encoder.weight"].detach()
ratio = (large.std() / nn.Linear(100, 5000).weight.std()).item()
advice = f"Their standard deviation is {ratio:.2f} times nn.Linear's: leave them as nn.Linear draws them."
require(0.95 < ratio < 1.05, "the weights of TiedAutoencoder(100, 50) have nn.Linear's initial values", advice)
### BEGIN HIDDEN TESTS
examine(4, 7, 62)
examine(6, 1, 63)
### END HIDDEN TESTS

# %% [markdown]
# ### Your autoencoder at work
#
# It squeezes the 64 pixels of each digit into 16 numbers, and is trained for 300 steps to rebuild the pixels from these. (If yours is not
# finished, an autoencoder with two separate weights stands in.)


# %% yours varies
def untied(in_features, hidden):
    return nn.Sequential(nn.Linear(in_features, hidden), nn.Tanh(), nn.Linear(hidden, in_features))


Autoencoder = yours_or_ours(TiedAutoencoder, untied, 64, 16, call=(torch.ones(2, 64),), random=True)
torch.manual_seed(0)
autoencoder = Autoencoder(64, 16)
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=0.01)
for _ in range(300):
    optimizer.zero_grad()
    loss = F.mse_loss(autoencoder(digits), digits)
    loss.backward()
    optimizer.step()
print(f"mean squared error {loss.item():.3f}; a net that always gives the mean digit: {digits.var(dim=0).mean():.3f}")

# %% yours varies folded label="Draw six digits and what comes back"
pictured = digits[:6]
draw_images(
    [
        image
        for part in (pictured, autoencoder(pictured).detach())
        for image in (part - digits.min()).clamp(min=0).view(6, 8, 8)
    ],
    [title if i == 0 else "" for title in ("input", "output") for i in range(6)],
    columns=6,
    cell=1.0,
    alt="Above the digits 0 to 5 as 8×8 images, below what the autoencoder makes of their 16 numbers: blurred, but much the same.",
)

# %% [markdown]
# ## Layers of your own
#
# ### Without parameters
#
# A layer without parameters is a class with a `forward`. Centring, for example, subtracts the mean:


# %% varies
class Centre(nn.Module):
    def forward(self, x):
        return x - x.mean()


print(Centre()(torch.tensor([1.0, 2, 3, 4, 5])))

torch.manual_seed(2)
y = nn.Sequential(nn.Linear(8, 128), Centre())(torch.rand(4, 8))
print(f"the mean of a centred batch: {y.mean().item():.1e}")

# %% [markdown]
# It fits into an `nn.Sequential` like any other, and the mean is 0 up to rounding.
#
# ### Exercise: A layer without parameters
#
# Write the module `Centred(dim=None)`. `forward(x)` returns a new tensor: `x` minus its mean.
#
# - With `dim=None` it is the mean over all elements. With an int or a tuple of ints it is the mean over these dimensions, for each place in the other
#   dimensions separately. The ints may be negative.
# - `x` may have any shape with these dimensions, and is float32 or float64; the result has the same shape and dtype. `x` stays as it is.
# - The module has no parameters and no buffers. Gradients flow back through both the element and the mean.
#
# <details><summary>Hint 1: the shapes do not fit</summary>
#
# `x.mean(dim=1, keepdim=True)` keeps dimension 1 with size 1, so that the mean can be broadcast against `x`.
#
# </details>
#
# <details><summary>Hint 2: dim=0 acts like dim=None</summary>
#
# `if self.dim:` is False for 0 as well. Ask `if self.dim is None:`.
#
# </details>


# %% exercise="centred" difficulty=1 minutes=5
class Centred(nn.Module):
    """Subtracts the mean.

    Args:
        dim: the dimension or dimensions that the mean runs over; None for all.
    """

    def __init__(self, dim: int | tuple[int, ...] | None = None):
        ### BEGIN SOLUTION
        super().__init__()
        self.dim = dim
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: any shape. Returns: the same shape."""
        ### BEGIN SOLUTION
        return x - (x.mean() if self.dim is None else x.mean(dim=self.dim, keepdim=True))
        ### END SOLUTION


# %% check="centred" points=1
def wanted_for(x, dim):
    """The centring matrix, I − 1/n, times the values with the dimensions of the mean in front."""
    dims = list(range(x.dim()) if dim is None else [dim] if isinstance(dim, int) else dim)
    front = list(range(len(dims)))
    moved = x.detach().double().movedim(dims, front)
    rows = moved.reshape(math.prod(moved.shape[: len(dims)]), -1)
    matrix = torch.eye(len(rows), dtype=torch.float64) - 1 / len(rows)
    return (matrix @ rows).reshape(moved.shape).movedim(front, dims).to(x.dtype)


def examine(dim, x, title):
    name = "Centred()" if dim is None else f"Centred({dim})"
    layer, fresh = (Centred() if dim is None else Centred(dim) for _ in range(2))
    told = "They are missing: `super().__init__()` should come first in `__init__`."
    require(hasattr(layer, "_parameters"), f"{name} has the registries of a module", told)
    held = len(list(layer.parameters())) + len(list(layer.buffers()))
    require(held == 0, f"{name} has neither parameters nor buffers", f"It has {held}.")
    before, wanted = x.clone(), wanted_for(x, dim)
    y = layer(inplace(x))
    told = f"Yours is a {type(y).__name__}: is a `return` missing?"
    require(isinstance(y, torch.Tensor), f"{name}(x) is a tensor", told)
    changed = {"`x -= mean` changes x: `x - mean` makes a new tensor.": wanted}
    expect(x, before, f"{name} leaves x as it was", mistakes=changed)
    x = before.clone().requires_grad_()
    y = fresh(x)
    mistakes = {"x is returned as it is.": before}
    if x.numel() > 1:
        mistakes |= {"That is the mean itself: subtract it.": before - wanted}
    if dim is not None:
        mistakes |= {"The mean runs over all elements, not over dim only (dim=0 is not None).": wanted_for(x, None)}
    if dim == 1 and x.shape[0] == x.shape[1]:
        mistakes |= {
            "keepdim=True is missing: the mean of each row is subtracted from a column.": before - (before - wanted).t()
        }
    if isinstance(dim, tuple) and len(dim) == 2:
        told = "Yours is centred over one dimension and then over the other: take one mean over both."
        mistakes |= {told: wanted_for(wanted_for(x, dim[0]), dim[1])}
    tolerance = 1e-9 if x.dtype == torch.float64 else 1e-5
    expect(y.detach(), wanted, f"{name}(x) for {title}", rtol=tolerance, atol=tolerance, mistakes=mistakes)
    require(
        y.requires_grad, f"autograd passes through {name}", "The path is cut: no_grad, .data and .detach() do that."
    )
    upstream = torch.arange(y.numel(), dtype=y.dtype).view(y.shape).square() / y.numel()
    gradient = torch.autograd.grad(y, x, upstream)[0]
    mistakes = {"The mean is detached: a gradient flows through it as well.": upstream} if x.numel() > 1 else {}
    expect(
        gradient,
        wanted_for(upstream, dim),
        f"the gradient of x through {name}",
        rtol=1e-4,
        atol=1e-4,
        mistakes=mistakes,
    )
    other = before * before if dim is not None else torch.stack([before, before * before])
    told = {"The mean of the first call was kept.": other - (before - wanted)}
    if dim is None and x.dim() == 1:
        told |= {"None means all dimensions, also if this x has more than the first one.": wanted_for(other, 0)}
    expect(fresh(other), wanted_for(other, dim), f"{name} of another x", rtol=1e-4, atol=1e-4, mistakes=told)


g = torch.Generator().manual_seed(71)
draw = lambda *shape: torch.randn(*shape, generator=g) + 2
examine(None, torch.tensor([1.0, 2, 3, 4, 5]), "x = (1, 2, 3, 4, 5)")
examine(0, draw(3, 3), "x of shape (3, 3)")
examine(1, draw(3, 3), "x of shape (3, 3)")
examine((0, 2), draw(2, 3, 4).double(), "x of shape (2, 3, 4) in float64")
examine(-1, draw(4, 5).t(), "x of shape (5, 4), transposed")
examine((-1, -3), draw(2, 3, 4), "x of shape (2, 3, 4)")
examine(None, draw(2, 3, 4), "x of shape (2, 3, 4)")
examine(None, draw(1)[0], "x without dimensions")
### BEGIN HIDDEN TESTS
examine(0, draw(4, 4, 4), "x of shape (4, 4, 4)")
examine((-1, 1), draw(3, 2, 2, 5), "x of shape (3, 2, 2, 5)")
examine(None, draw(1, 6).double(), "x of shape (1, 6) in float64")
examine(None, draw(1)[0].double(), "x without dimensions in float64")
examine((1,), draw(6, 4).t(), "x of shape (4, 6), transposed")
### END HIDDEN TESTS

# %% [markdown]
# ### With parameters
#
# A layer with parameters needs what `nn.Linear` has: `nn.Parameter`s made in `__init__`, a method `reset_parameters` that fills them, and a
# `forward`. A parameter that is left out gets the value None (`self.bias = None` or, as `nn.Linear` does, `self.register_parameter("bias", None)`),
# so that `layer.bias` exists.
#
# ### Exercise: Your own linear layer
#
# Write `OwnLinear(in_features, out_features, bias=True)`. It is derived from `nn.Module`, not from `nn.Linear`, and has no modules inside. You may use `F.linear`.
#
# - `weight` has the shape `(out_features, in_features)`, `bias` has `(out_features,)`. With `bias=False`, `layer.bias` is `None`. There are no other parameters and no buffers, so that its `state_dict` fits `nn.Linear` and vice versa.
# - `reset_parameters()` fills them **in place**: each weight is drawn from the normal distribution with He's variance $2/\mathrm{fan\_in}$, each bias becomes 0. The parameters stay the same objects, with the same dtype. A new layer starts with such values. Do not seed.
# - `forward(x)` computes what `nn.Linear` computes with the same values, for `x` of shape `(…, in_features)`, also after `layer.double()`. `x` stays as it is. Gradients reach `x` and all parameters.
#
# <details><summary>Hint 1: a parameter without values</summary>
#
# `nn.Parameter(torch.empty(out_features, in_features))` has a shape and whatever happened to be in memory; `reset_parameters()`, called at the end of `__init__`, fills it.
#
# </details>
#
# <details><summary>Hint 2: He's rule, ready-made</summary>
#
# `nn.init.kaiming_normal_(weight, nonlinearity="relu")`, or `nn.init.normal_` with the standard deviation, the *root* of the variance.
#
# </details>


# %% exercise="own_linear" difficulty=2 minutes=12
class OwnLinear(nn.Module):
    """x Wᵀ + b, with He's initial values.

    Args:
        in_features, out_features: the size of a sample before and after.
        bias: whether there is a bias.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        ### BEGIN SOLUTION
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None
        self.reset_parameters()
        ### END SOLUTION

    def reset_parameters(self) -> None:
        """Draw the weight by He's rule and set the bias to 0, in place."""
        ### BEGIN SOLUTION
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")
        if self.bias is not None:
            nn.init.zeros_(self.bias)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (…, in_features). Returns: (…, out_features)."""
        ### BEGIN SOLUTION
        return F.linear(x, self.weight, self.bias)
        ### END SOLUTION


# %% check="own_linear" points=3
from contextlib import contextmanager


@contextmanager
def unfilled_is_nan():
    """Inside, torch.empty gives nan, so that a parameter that nobody has filled shows."""
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def told(shapes):
    return {name: str(tuple(shape)) for name, shape in sorted(shapes.items())}


def judge_start(weight, bias, fan_in, what):
    if weight.numel() > 10_000:
        values = weight.double()
        scaled = (values - values.mean()) / values.std().clamp(min=1e-9)
        products = [(scaled[1:] * scaled[:-1]).mean().item(), (scaled[:, 1:] * scaled[:, :-1]).mean().item()]
        told = "Neighbours in a row or a column depend on each other: draw each weight on its own."
        require(max(map(abs, products)) < 0.1, f"{what}: the weights do not depend on each other", told)
        expect(
            values.std().item(),
            (2 / fan_in) ** 0.5,
            f"{what}: the standard deviation of the weights, within 4 %",
            rtol=0.04,
            atol=0.0,
            mistakes={
                "That is the variance: the standard deviation is its root.": 2 / fan_in,
                "That is nn.Linear's default rule.": (1 / fan_in / 3) ** 0.5,
                "He's 2 is missing.": fan_in**-0.5,
                "You used fan_out: fan_in is in_features.": (2 / weight.shape[0]) ** 0.5,
                "That is Xavier's rule.": (2 / sum(weight.shape)) ** 0.5,
                "The weights are standard normal: scale them.": 1.0,
            },
        )
        tail = (values**4).mean().item() / (values**2).mean().item() ** 2
        require(
            abs(tail - 3) < 0.5,
            f"{what}: the weights are normal",
            "The spread is right, but not the distribution: is it uniform?",
        )
        require(
            abs(values.mean().item()) < values.std().item() / 20,
            f"{what}: the mean of the weights is close to 0",
            f"Yours is {values.mean().item():.4g}.",
        )
        told = "Some occur several times, or with both signs."
        require(values.abs().unique().numel() > 0.97 * values.numel(), f"{what}: each weight is drawn on its own", told)
    if bias is not None:
        expect(bias, torch.zeros_like(bias), f"{what}: the bias")


def examine(c, d, bias, seed, xs=((5,), (), (2, 3))):
    g = torch.Generator().manual_seed(seed)
    name = f"OwnLinear({c}, {d})" if bias else f"OwnLinear({c}, {d}, bias=False)"
    with unfilled_is_nan():
        layer = OwnLinear(c, d) if bias else OwnLinear(c, d, bias=False)
    require(not isinstance(layer, nn.Linear), f"{name} is no nn.Linear", "Derive the class from nn.Module.")
    parts = [type(part).__name__ for part in layer.children()]
    require(len(parts) == 0, f"{name} has no modules inside", "Make the parameters yourself.")
    shapes = {"weight": (d, c)} | ({"bias": (d,)} if bias else {})
    found = dict(layer.named_parameters())
    expect(
        told({part: value.shape for part, value in found.items()}),
        told(shapes),
        f"names and shapes of the parameters of {name}",
        mistakes={
            "The weight is (out_features, in_features).": told(shapes | {"weight": (c, d)}),
            "Nothing is registered: nn.Module sees nn.Parameters, not plain tensors.": {},
            "With bias=False there is no bias.": told({"weight": (d, c), "bias": (d,)}),
            "The bias is missing, or not registered: make it an nn.Parameter.": told({"weight": (d, c)}),
        },
    )
    expect(sorted(layer.state_dict()), sorted(shapes), f"the names in the state_dict of {name}")
    if not bias:
        told_none = "It is something else, or there is no such attribute: `self.bias = None`."
        require(getattr(layer, "bias", 0) is None, f"{name}.bias is None", told_none)
    start = {part: value.detach().clone() for part, value in found.items()}
    filled = all(bool(value.isfinite().all()) for value in start.values())
    told_filled = "Some are not finite. Were they never filled (call reset_parameters() in __init__), or divided by 0?"
    require(filled, f"a new {name} has values", told_filled)
    judge_start(start["weight"], start.get("bias"), c, f"a new {name}")
    other = dict((OwnLinear(c, d) if bias else OwnLinear(c, d, bias=False)).named_parameters())["weight"]
    told_seed = "Two layers have the same weights: draw them, without a seed, for each layer."
    require(not torch.equal(other.detach(), start["weight"]), f"a second {name} starts with other values", told_seed)

    values = {part: torch.randn(size, generator=g) + 1 for part, size in shapes.items()}
    layer.load_state_dict(values)
    reference = nn.Linear(c, d, bias=bias)
    reference.load_state_dict(values)
    for turn, shape in enumerate(xs):
        x = torch.randn(*shape, c, generator=g)
        x = x.t().contiguous().t() if x.dim() == 2 else x
        mine, theirs = x.clone().requires_grad_(), x.clone().requires_grad_()
        y, wanted = layer(inplace(mine)), reference(theirs)
        told_none = f"Yours is a {type(y).__name__}: is a `return` missing?"
        require(isinstance(y, torch.Tensor), f"{name}(x) is a tensor", told_none)
        expect(mine.detach(), x, f"{name} leaves x as it was")
        no_bias = {"The bias is not added.": F.linear(x, values["weight"])} if bias else {}
        expect(
            y.detach(),
            wanted.detach(),
            f"{name}(x) for x of shape {tuple(x.shape)}",
            rtol=1e-4,
            atol=1e-5,
            mistakes=no_bias,
        )
        require(y.requires_grad, f"autograd passes through {name}", "The path is cut: .data and .detach() do that.")
        upstream = torch.randn(wanted.shape, generator=g)
        (y * upstream).sum().backward()
        (wanted * upstream).sum().backward()
        gradients = {part: value.grad for part, value in found.items()} | {"x": mine.grad}
        missing = [part for part, gradient in gradients.items() if gradient is None]
        require(missing == [], f"gradients reach all of {name}, and x", f"None reaches {', '.join(missing)}.")
        right = {part: value.grad for part, value in reference.named_parameters()} | {"x": theirs.grad}
        expect(gradients, right, f"the gradients of {name}, added up over {turn + 1} passes", rtol=1e-3, atol=1e-4)
    layer.reset_parameters()
    now = dict(layer.named_parameters())
    same = all(now[part] is found[part] and now[part].grad is not None for part in shapes)
    require(
        same,
        "reset_parameters() keeps the parameters",
        "It makes new ones, which an optimizer does not know: fill them in place.",
    )
    again = {part: value.detach().clone() for part, value in now.items()}
    trained = not torch.equal(again["weight"], values["weight"])
    require(trained, "reset_parameters() draws new weights", "The weight keeps its values.")
    require(
        not torch.equal(again["weight"], start["weight"]),
        "reset_parameters() draws other weights than at the start",
        "Is a seed set?",
    )
    judge_start(again["weight"], again.get("bias"), c, f"{name} after reset_parameters()")
    layer.double()
    reference.load_state_dict(again)
    x = torch.randn(2, c, generator=g, dtype=torch.float64)
    expect(
        layer(x).detach(), reference.double()(x).detach(), f"{name} in float64, after double()", rtol=1e-6, atol=1e-6
    )
    weight = layer.weight.detach()
    layer.reset_parameters()
    kinds = {part: str(value.dtype) for part, value in layer.named_parameters()}
    expect(kinds, dict.fromkeys(kinds, "torch.float64"), f"the dtypes of {name} after double() and reset_parameters()")
    told_memory = "An earlier layer.weight.detach() does not see the new values: `.data = …` gives other memory."
    require(torch.equal(weight, layer.weight.detach()), f"reset_parameters() of {name} works in place", told_memory)


examine(4, 3, True, 81)
examine(200, 90, False, 82, ((2,),))
examine(1, 1, True, 86, ((2,),))
column = dict(OwnLinear(1, 20_000).named_parameters())["weight"].detach()
advice = f"Their variance is {column.var():.3g} instead of 2: is the distribution cut off, as by trunc_normal_?"
require(abs(column.var().item() / 2 - 1) < 0.08, "the weights of OwnLinear(1, 20000) have He's variance", advice)
torch.manual_seed(3)
OwnLinear(2, 3).reset_parameters()
require(torch.initial_seed() == 3, "no seed is set", "Your class sets torch's seed: leave it alone.")
### BEGIN HIDDEN TESTS
examine(90, 210, True, 83, ((3,),))
examine(1, 5, False, 84)
examine(6, 1, True, 85, ((1,), (2, 1, 2)))
### END HIDDEN TESTS

# %% [markdown]
# ### Lazy layers
#
# After many convolutions you may not want to compute how many features arrive at the first linear layer. A *lazy* layer learns it from its first input.
#
# **Before you run it:** what is the shape of the weight before and after the first call? Why can't you initialise the weight before that call? And
# does an optimizer made before it know the weight?

# %% predict
lazy = nn.LazyLinear(3)
weight = lazy.weight
print("before:", weight)
try:
    nn.init.zeros_(weight)
except ValueError as error:
    print("nn.init.zeros_:", str(error)[:43], "…")
optimizer = torch.optim.SGD(lazy.parameters(), lr=0.1)

lazy(torch.ones(2, 5))
print("after: ", type(lazy).__name__, tuple(lazy.weight.shape))
print("the optimizer holds the weight:", optimizer.param_groups[0]["params"][0] is lazy.weight)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Until the first call the weight is an `UninitializedParameter`: an object without shape and values, so it cannot be filled, and its elements cannot be counted. The first call gives the *same object* its shape and draws
# its values, and the layer becomes an ordinary `nn.Linear`. So: one call with a dummy batch, then your own initialisation.
#
# </details>
#
# ## Your layers read digits
#
# A net of twenty of your layers, with a GELU after each, learns to read digits. PyTorch has no ready-made gain for GELU, so your `gain` gives the scale of the weights. For
# comparison, the same net starts from the default rule.
#
# **Before you run it:** in 150 steps, does either of the nets learn? What share of new digits, kept out of training, will it read correctly?


# %% folded label="What stands in for your gain"
def gelu_gain(activation):
    """The gain of GELU, and of GELU only."""
    return 1.5335


# %% yours varies
Layer = yours_or_ours(OwnLinear, nn.Linear, 64, 64, call=(torch.ones(2, 64),), random=True)
scale = yours_or_ours(gain, gelu_gain, F.gelu, random=True)(F.gelu)
print(f"gain of GELU: {scale:.3f}")


def gelu_net(std=None):
    """20 layers; std of the weights times √fan_in, or None for nn.Linear's default."""
    torch.manual_seed(0)
    layers = []
    for _ in range(20):
        layers += [Layer(64, 64), nn.GELU()]
        with torch.no_grad():
            layers[-2].bias.zero_()
            if std is None:
                rules["default"](layers[-2].weight)
            else:
                nn.init.normal_(layers[-2].weight, std=std / 8)
    return nn.Sequential(*layers, nn.Linear(64, 10))


results = {}
for name, std in [("default", None), ("fitted gain", scale)]:
    net = gelu_net(std)
    results[name] = train_deep(net)
    with torch.no_grad():
        right = (net(digits[1400:]).argmax(1) == labels[1400:]).double().mean()
    print(f"{name:11} loss {sum(results[name][-10:]) / 10:.2f}, new digits read correctly: {right:.0%}")

# %% yours varies folded label="Draw both loss curves"
draw_curves(
    results,
    alt="Loss over 150 steps of two nets of 20 layers with GELU: with the default rule it stays at 2.3, with the gain that fits GELU it falls below 0.5.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# One number makes the difference. With the default, the signal loses most of its size in each layer; with the right gain, it arrives.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. You want new values in a layer whose optimizer already exists. What do you do, and what must you not do?</summary>
#
# Fill the parameter in place: `nn.init.…_(layer.weight)`, or `layer.weight.copy_(…)` under `torch.no_grad()`. Do not assign a new `nn.Parameter`: the optimizer would go on holding the old one.
#
# </details>
#
# <details><summary>2. What does each layer multiply the mean square of the signal by, and what do Xavier and He make of it?</summary>
#
# By $\mathrm{fan\_in} \cdot \sigma^2$, times what the activation leaves of it. With Xavier's $\sigma^2 = 2/(\mathrm{fan\_in} + \mathrm{fan\_out})$,
# both $\mathrm{fan\_in} \cdot \sigma^2$ and, on the way back, $\mathrm{fan\_out} \cdot \sigma^2$ are 1 if the layer has as many outputs as inputs.
# He's $2/\mathrm{fan\_in}$ makes up for the ReLU, which halves the mean square. For any other activation: $\gamma^2 / \mathrm{fan\_in}$ with
# $\gamma = 1/\sqrt{E[f(z)^2]}$.
#
# </details>
#
# <details><summary>3. How do you tie two weights, what is the gradient of the tied weight, and when does the tie get lost?</summary>
#
# Both layers hold the same `nn.Parameter`, or `forward` uses it twice. Its gradient is the sum over both uses. A state_dict stores values only, so a fresh net has to make its own tie, in `__init__`. A new `nn.Parameter` is a copy, not a tie.
#
# </details>
#
# **Next**: `13_classification_losses`, about the other end of the net. What do its outputs mean, and which loss makes it learn fastest?
