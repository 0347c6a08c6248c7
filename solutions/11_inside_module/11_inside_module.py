# %% [markdown]
# # Inside nn.Module
#
# After this notebook you can
#
# - say what `self.name = value` does in a module, and where parameters, buffers and parts are kept;
# - write a small `Module` of your own, and an `nn.Sequential` of your own;
# - build blocks with constants, a shared layer and control flow, and nest them;
# - choose between a parameter, a buffer and a plain attribute;
# - record activations and gradients inside any network with hooks.
#
# **Points**: 15. **Time**: about 45 minutes of reading and 85 minutes for the 7 exercises. **You need**: `backward()`, leaves and `.grad`
# (`02_gradients_and_optimizers`), `nn.Linear` and its gradients (`04_linear`), your own module classes, `named_parameters`, `state_dict` and
# a training loop (`10_modules`).
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## What self.name = value does
#
# In `10_modules` you wrote `self.fc1 = nn.Linear(…)`, and from then on `parameters()`, `state_dict()` and `print` knew
# about the layer. Ordinary Python objects do not work like that: an assignment puts the value into the object's
# dictionary, and nothing else hears of it. So what does a module do? Look at one that has nothing in it yet:

# %%
for name, value in vars(nn.Module()).items():
    if name in ("training", "_parameters", "_buffers", "_non_persistent_buffers_set", "_modules") or "_forward" in name:
        print(f"{name:38} {value!r}")

# %% [markdown]
# `nn.Module.__init__` (your `super().__init__()`) has created a flag, `training`, and several empty dictionaries, the
# **registries**: one for parameters, one for buffers (tensors that belong to the module but are not learned), one for parts
# (the modules inside it, also called submodules), and a few for hooks. You will meet all of them below. (The cell leaves out a few
# more entries. In older versions of PyTorch all the dictionaries were `OrderedDict`s; a plain dict keeps its order, too.)
#
# Now fill a module:


# %%
class Probe(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))
        self.shift = torch.zeros(2)
        self.fc = nn.Linear(3, 2)
        self.register_buffer("count", torch.tensor(0))
        self.title = "a probe"


# %% [markdown]
# **Before you run it:** five attributes. Which of them are in the object's ordinary dictionary, `vars(probe)`, and which
# registry holds each of the others?

# %% predict
probe = Probe()
attributes = ("scale", "shift", "fc", "count", "title")
print("in vars(probe):", [name for name in attributes if name in vars(probe)])
for registry in ("_parameters", "_buffers", "_modules"):
    print(f"in {registry + ':':13}", list(vars(probe)[registry]))


# %% predict folded label="Draw where the five attributes went"
def text_box(ax, x, y, width, text, role, height=0.62):
    colour = COLOURS[role]
    face = tuple(1 - 0.22 * (1 - part) for part in plt.matplotlib.colors.to_rgb(colour))
    ax.add_artist(plt.Rectangle((x, y - height / 2), width, height, facecolor=face, edgecolor=colour, lw=1.8))
    ax.text(x + width / 2, y, text, ha="center", va="center", fontsize=9, color=INK)


figure, ax = plt.subplots(figsize=(5.6, 3.6), layout="constrained")
rows = [
    ("scale = nn.Parameter(…)", "_parameters", "learned"),
    ("fc = nn.Linear(3, 2)", "_modules", "plain"),
    ("count, a buffer", "_buffers", "plain"),
    ("shift = torch.zeros(2)", "vars(probe)", "plain"),
    ("title = 'a probe'", "vars(probe)", "plain"),
]
places = {"_parameters": 0.0, "_modules": 1.0, "_buffers": 2.0, "vars(probe)": 3.5}
for i, (text, place, role) in enumerate(rows):
    text_box(ax, 0, i, 3.4, text, role)
    arrow = {"arrowstyle": "-|>", "color": COLOURS[role], "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (5.0, places[place]), (3.4, i), arrowprops=arrow)
for place, y in places.items():
    role = next(role for _, found, role in rows if found == place)
    text_box(ax, 5.0, y, 2.3, place, role, height=1.5 if place == "vars(probe)" else 0.62)
ax.text(6.15, -0.62, "registries", ha="center", fontsize=9, color=INK)
ax.text(6.15, 4.55, "the ordinary dictionary", ha="center", fontsize=9, color=INK)
ax.set(xlim=(-0.1, 7.9), ylim=(4.8, -0.9))
ax.axis("off")
show(
    figure,
    alt="Arrows from five attributes to four places. scale, a Parameter, goes to the registry _parameters; fc, a Linear, to _modules; count, registered as a "
    "buffer, to _buffers; shift, a plain tensor, and title, a string, go to vars(probe), the ordinary dictionary.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `nn.Module` defines `__setattr__`, the method that Python calls for every `self.name = value`. It looks at the *type* of
# the value: an `nn.Parameter` goes to `_parameters`, an `nn.Module` to `_modules`, and everything else is stored in the
# ordinary way. `shift` is a tensor, but not a `Parameter`, so it is nothing special. A buffer is registered explicitly, with
# `register_buffer`. (Since PyTorch 2.5, `self.count = nn.Buffer(tensor)` does the same.)
#
# `probe.fc` still works because of `__getattr__`, which Python calls when it does not find a name in the ordinary way. It
# searches the three registries.
#
# </details>
#
# ### A name that is taken
#
# What if a name is assigned twice? Below, three values are assigned to names that `Probe` has registered already.
#
# **Before you run it:** which of the three assignments raises an error? Is `count` still a buffer after the second one?

# %% predict
probe = Probe()
for name, value in [("scale", torch.ones(2)), ("count", torch.tensor(7)), ("fc", nn.Linear(3, 5))]:
    try:
        setattr(probe, name, value)
        print(f"{name}: accepted")
    except TypeError as error:
        print(f"{name}: {error}")
print("buffers:", dict(probe.named_buffers()))

# %% [markdown]
# <details><summary>Why?</summary>
#
# A name that is registered for a parameter accepts only a `Parameter` or `None`: this keeps you from replacing a
# parameter with a plain tensor that no optimizer would ever see. A tensor assigned to a buffer's name becomes the new buffer,
# still registered. And a module may be replaced with another: this is how you put a new last layer on a trained network.
#
# (To change a parameter's *values*, write into it under `torch.no_grad()`, as you did in `04_linear`.)
#
# </details>
#
# ### Exercise: What does a module own?
#
# Write `inventory(module)`. It returns a dict with three lists of names, `{"parameters": […], "buffers": […], "parts": […]}`:
# what is registered in `module` **itself**, in the order of registration. What its parts own is not included. A name that is
# registered with the value `None` (as `bias` is in `nn.Linear(3, 2, bias=False)`) is left out. You may assume
# that nothing is registered under two names, neither in `module` nor in its parts.
#
# <details><summary>Hint 1: where to look</summary>
#
# You can read the three registries, or use the methods that do it for you: `named_parameters`, `named_buffers`, and
# `named_children`.
#
# </details>
#
# <details><summary>Hint 2: not the parts'</summary>
#
# `named_parameters` and `named_buffers` take an argument `recurse`. With `recurse=False` they stay in this module.
# `named_children` never goes deeper than one level.
#
# </details>


# %% exercise="inventory" difficulty=1 minutes=5
def inventory(module: nn.Module) -> dict[str, list[str]]:
    """The names of what is registered in a module itself.

    Returns: {"parameters": [...], "buffers": [...], "parts": [...]}.
    """
    ### BEGIN SOLUTION
    return {
        "parameters": [name for name, _ in module.named_parameters(recurse=False)],
        "buffers": [name for name, _ in module.named_buffers(recurse=False)],
        "parts": [name for name, _ in module.named_children()],
    }
    ### END SOLUTION


# %% check="inventory" points=1
class Mixed(nn.Module):
    """Has a bit of everything, registered in an order that is not alphabetical."""

    def __init__(self, k):
        super().__init__()
        self.norm = nn.BatchNorm1d(k)
        self.weight = nn.Parameter(torch.ones(k), requires_grad=False)
        self.register_buffer("total", torch.zeros(k), persistent=False)
        self.register_buffer("nothing", None)
        self.register_buffer("_aside", torch.zeros(1))
        self.body = nn.Sequential(nn.Linear(k, k), nn.Sequential(nn.BatchNorm1d(k)))
        self._angle = nn.Parameter(torch.zeros(()))
        self.loose = torch.zeros(k)
        self.listed = [nn.Linear(k, 1)]
        self.register_module("absent", None)


def listed(parameters=(), buffers=(), parts=()):
    return {"parameters": list(parameters), "buffers": list(buffers), "parts": list(parts)}


wanted = listed(["weight", "_angle"], ["total", "_aside"], ["norm", "body"])
deep = ["norm.weight", "norm.bias", "body.0.weight", "body.0.bias", "body.1.0.weight", "body.1.0.bias"]
stats = ["running_mean", "running_var", "num_batches_tracked"]
deep_buffers = [f"{place}.{name}" for place in ("norm", "body.1.0") for name in stats]
found = inventory(Mixed(3))
lists = list(found.values()) if isinstance(found, dict) else []
require(
    all(isinstance(name, str) for one in lists if isinstance(one, list) for name in one),
    "the lists hold names",
    "Yours hold something else, such as pairs (name, value): keep the names only.",
)
expect(
    found,
    wanted,
    "inventory of a module with 2 parameters, 2 buffers, 2 parts, and a plain tensor and list",
    mistakes={
        "What the parts own is included: use recurse=False.": listed(
            ["weight", "_angle", *deep], ["total", "_aside", *deep_buffers], ["norm", "body"]
        ),
        "The parts' buffers are included: use recurse=False.": wanted | {"buffers": ["total", "_aside", *deep_buffers]},
        "The parts' parameters are included: use recurse=False.": wanted | {"parameters": ["weight", "_angle", *deep]},
        "Names whose value is None are included: leave them out.": listed(
            ["weight", "_angle"], ["total", "nothing", "_aside"], ["norm", "body", "absent"]
        ),
        "The frozen parameters come last: the order of registration was asked for.": wanted
        | {"parameters": ["_angle", "weight"]},
        "The names are sorted: the order of registration was asked for.": listed(
            ["_angle", "weight"], ["_aside", "total"], ["body", "norm"]
        ),
        "state_dict does not hold all the buffers: one is not saved.": wanted | {"buffers": ["_aside"]},
        "The buffers that are not saved come last: the order of registration was asked for.": wanted
        | {"buffers": ["_aside", "total"]},
        "The parts of the parts are included: named_children stops at the first level.": wanted
        | {"parts": ["norm", "body", "body.0", "body.1", "body.1.0"]},
        "named_modules lists the module itself and the parts of its parts, too: use named_children.": wanted
        | {"parts": ["", "norm", "body", "body.0", "body.1", "body.1.0"]},
        "Frozen parameters are parameters, too.": wanted | {"parameters": ["_angle"]},
        "Names may start with an underscore: leave none out.": wanted
        | {"parameters": ["weight"], "buffers": ["total"]},
    },
)
norm = listed(["weight", "bias"], stats)
cases = [
    ("nn.Linear(3, 2)", nn.Linear(3, 2), listed(["weight", "bias"])),
    ("nn.Linear(3, 2, bias=False)", nn.Linear(3, 2, bias=False), listed(["weight"])),
    ("nn.BatchNorm1d(3)", nn.BatchNorm1d(3), norm),
    ("nn.ReLU()", nn.ReLU(), listed()),
    ("an nn.Sequential of two", nn.Sequential(nn.ReLU(), nn.Linear(2, 2)), listed(parts=["0", "1"])),
    ("an nn.ParameterList of two", nn.ParameterList([torch.ones(1), torch.ones(1)]), listed(["0", "1"])),
]
expect(
    {title: inventory(module) for title, module, _ in cases},
    {title: names for title, _, names in cases},
    "inventory of " + ", ".join(title for title, _, _ in cases),
)
### BEGIN HIDDEN TESTS
cases = [
    ("another module with a bit of everything", Mixed(4).eval(), wanted),
    ("nn.BatchNorm1d(3, affine=False)", nn.BatchNorm1d(3, affine=False), listed(buffers=stats)),
    ("nn.PReLU()", nn.PReLU(), listed(["weight"])),
    ("an nn.ModuleDict", nn.ModuleDict({"b": nn.ReLU(), "a": Mixed(2)}), listed(parts=["b", "a"])),
    ("nn.Sequential()", nn.Sequential(), listed()),
]
expect(
    {title: inventory(module) for title, module, _ in cases},
    {title: names for title, _, names in cases},
    "inventory of " + ", ".join(title for title, _, _ in cases),
)
### END HIDDEN TESTS

# %% [markdown]
# ## A Module in thirty lines
#
# The heart of `nn.Module` is small. You will write it in this section, with parameters and parts but without buffers and
# hooks. First look at how the real one lists what it holds. This MLP has two parts, both linear layers:


# %%
class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1 = nn.Linear(784, 256)
        self.linear2 = nn.Linear(256, 10)

    def forward(self, x):
        return self.linear2(F.relu(self.linear1(x)))


# %% [markdown]
# **Before you run it:** in what order are the MLP's parameters listed? What does `recurse=False` leave of them? And `mixed` has a part
# first, then a parameter of its own: which of the two is listed first?

# %% predict
net = MLP()
print("recurse=True: ", [(name, tuple(p.shape)) for name, p in net.named_parameters()])
print("recurse=False:", [(name, tuple(p.shape)) for name, p in net.named_parameters(recurse=False)])
print("linear1 itself:", [name for name, _ in net.linear1.named_parameters(recurse=False)])

mixed = nn.Module()
mixed.fc = nn.Linear(3, 2)
mixed.gain = nn.Parameter(torch.ones(1))
print("mixed:", [name for name, _ in mixed.named_parameters()])

# %% [markdown]
# <details><summary>Why?</summary>
#
# The weight and bias of the first part come first, then those of the second. In general, a module lists its own parameters,
# then, part by part, what each part lists, with the part's name and a dot in front. So `gain` comes first in `mixed`, although it was
# assigned last. The MLP owns no parameter itself: both
# linear layers are in its `_modules`, and the parameters are in *their* `_parameters`. So `recurse=False` leaves nothing.
#
# </details>
#
# So listing parameters is a walk through a tree, and a method that calls itself on every part does it. The same walk
# serves `train()`, `state_dict()`, `to(device)` and `apply()`: **every module does its own share, and passes the call on to its
# parts.** (Some of these methods visit the parts first.)
#
# ### When to use object.\_\_setattr\_\_
#
# Inside `__setattr__`, you cannot write `self.name = value`: that would call `__setattr__` again, which would call itself
# again, and so on. `object.__setattr__(self, name, value)` stores a value the ordinary way. Here is a small example, a class that
# keeps a list of the names of its string attributes:


# %%
class Notes:
    def __init__(self):
        object.__setattr__(self, "strings", [])

    def __setattr__(self, name, value):
        if isinstance(value, str):
            self.strings.append(name)
        object.__setattr__(self, name, value)


notes = Notes()
notes.colour = "green"
notes.size = 3
print(notes.strings, notes.colour, notes.size)

# %% [markdown]
# ### Exercise: A module system
#
# Complete `TinyModule`. The class is given except for three methods:
#
# - `__setattr__(name, value)` puts an `nn.Parameter` into the dict `self._parameters` and a `TinyModule` into the dict
#   `self._modules`, and stores any other value the ordinary way. A name is in one place only: if it is assigned again,
#   its old value is gone. (`nn.Module` refuses some new values, as you saw; `TinyModule` accepts a value of any kind.) It may keep
#   its place in the order or go to the end.
# - `named_parameters(recurse=True)` returns a **list** of pairs `(name, parameter)`: this module's own parameters in the order
#   in which they were assigned, then those of each part, in order, with the part's name and a dot in front, to any depth. With
#   `recurse=False` there are only its own. A parameter (the very same object) that is found under several names is
#   listed once, under the first of them. The pairs hold the parameters themselves, not copies.
# - `train(mode=True)` sets `training` of this module and of all its parts, to any depth, to `mode`, and returns the module itself.
#
# <details><summary>Hint 1: __setattr__</summary>
#
# First remove the name from wherever it is: `dictionary.pop(name, None)` removes a key if it is there. `vars(self)` is the
# ordinary dictionary. Then three cases: `isinstance(value, …)`.
#
# </details>
#
# <details><summary>Hint 2: how a module lists the parameters of a part</summary>
#
# Let the part list them: it has the same method. Then put `f"{part_name}."` in front of each name that you get.
#
# </details>
#
# <details><summary>Hint 3: once only</summary>
#
# Do not use `parameter in …`: it compares tensors with `==`. Compare identities: `any(parameter is other for other in …)`, or
# collect `id(parameter)` in a set. Two parts may share a parameter, so compare over the whole list.
#
# </details>


# %% exercise="tiny_module" difficulty=3 minutes=20
class TinyModule:
    """nn.Module in thirty lines: parameters and parts, without buffers and hooks."""

    def __init__(self):
        for name, value in [("_parameters", {}), ("_modules", {}), ("training", True)]:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # Python calls this when it finds no ordinary attribute of that name
        for registry in ("_parameters", "_modules"):
            if name in vars(self).get(registry, {}):
                return vars(self)[registry][name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __call__(self, *inputs):
        return self.forward(*inputs)

    def forward(self, *inputs):
        raise NotImplementedError(f"{type(self).__name__} has no forward method")

    def eval(self):
        return self.train(False)

    def parameters(self, recurse=True):
        return [parameter for _, parameter in self.named_parameters(recurse)]

    def state_dict(self):
        return {name: parameter.detach() for name, parameter in self.named_parameters()}

    def __setattr__(self, name, value):
        """Register a parameter or a part; store anything else the ordinary way."""
        ### BEGIN SOLUTION
        for place in (self._parameters, self._modules, vars(self)):
            place.pop(name, None)
        if isinstance(value, nn.Parameter):
            self._parameters[name] = value
        elif isinstance(value, TinyModule):
            self._modules[name] = value
        else:
            object.__setattr__(self, name, value)
        ### END SOLUTION

    def named_parameters(self, recurse=True):
        """A list of (name, parameter): this module's own, then those of its parts; each parameter once."""
        ### BEGIN SOLUTION
        found = list(self._parameters.items())
        if recurse:
            for part_name, part in self._modules.items():
                found += [(f"{part_name}.{name}", parameter) for name, parameter in part.named_parameters()]
        once = {}
        for name, parameter in found:
            once.setdefault(id(parameter), (name, parameter))
        return list(once.values())
        ### END SOLUTION

    def train(self, mode=True):
        """Set the mode of this module and of all its parts. Returns: the module itself."""
        ### BEGIN SOLUTION
        self.training = mode
        for part in self._modules.values():
            part.train(mode)
        return self
        ### END SOLUTION


# %% check="tiny_module" points=3
def names(net, **options):
    """The names in the list of pairs; anything but a list of pairs as it is."""
    found = net.named_parameters(**options)
    pairs = type(found) is list and all(type(pair) is tuple and len(pair) == 2 for pair in found)
    return [pair[0] for pair in found] if pairs else found


def filled(*sizes):
    """One module with a parameter of each size, called w0, w1, …"""
    module = TinyModule()
    for i, size in enumerate(sizes):
        setattr(module, f"w{i}", nn.Parameter(torch.full(size, float(i + 1))))
    return module


net = TinyModule()
net.title = "tiny"
net.plain = torch.zeros(2)
net.gain = nn.Parameter(torch.tensor([2.0, 3.0]))
expect(
    [list(net._parameters), list(net._modules)],
    [["gain"], []],
    "the registries after a string, a tensor and a Parameter were assigned",
    mistakes={
        "Only an nn.Parameter is registered, not every tensor.": [["plain", "gain"], []],
        "Everything was registered: look at the type of the value.": [["title", "plain", "gain"], []],
        "Nothing was registered: is there a case for nn.Parameter?": [[], []],
    },
)
expect([net.title, net.gain.detach()], ["tiny", torch.tensor([2.0, 3.0])], "net.title and net.gain")
odd = TinyModule()
odd.leaf = torch.ones(2, requires_grad=True)


def freeze(module):
    module.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
    return module.frozen.requires_grad


odd.forward = freeze
trained = odd(odd)
expect(
    list(odd._parameters),
    ["frozen"],
    "the registered names, after a plain tensor that requires a gradient and a frozen Parameter were assigned",
    mistakes={"The type decides, not requires_grad: use isinstance(value, nn.Parameter).": ["leaf"]},
)
require(
    type(net.named_parameters()) is list,
    "named_parameters() returns a list",
    "Yours is something else, such as a generator (yield), an iterator or a dict: a list of pairs was asked for.",
)
expect(
    [names(odd), trained],
    [["frozen"], False],
    "the names in named_parameters() for a frozen Parameter, and whether it requires a gradient",
    mistakes={"A frozen Parameter is a Parameter, too: list it.": [[], False]},
)
net.body = body = TinyModule()
body.last, body.first = filled((3,), (2, 2)), filled((4,))
net.offset = nn.Parameter(torch.zeros(1))
body.last.inner = TinyModule()
body.last.inner.w0 = nn.Parameter(torch.full((1,), 9.0))
deep = ["body.last.w0", "body.last.w1", "body.last.inner.w0", "body.first.w0"]
expect(
    [list(net._modules), list(body._modules)],
    [["body"], ["last", "first"]],
    "the registries of parts, after a part with two parts of its own was assigned",
    mistakes={"A part is a TinyModule: is there a case for it?": [[], []]},
)
expect(
    names(net),
    ["gain", "offset", *deep],
    "the names in named_parameters()",
    mistakes={
        "Parameters of the parts are missing: let each part list its own and those of its parts.": ["gain", "offset"],
        "The names of the parts are missing: put the part's name and a dot in front.": [
            "gain",
            "offset",
            *["w0", "w1", "w0", "w0"],
        ],
        "Only the innermost part's name is in front: at each level, put the part's name in front.": [
            *["gain", "offset"],
            *["last.w0", "last.w1", "inner.w0", "first.w0"],
        ],
        "Its own parameters come first, then those of the parts.": [
            *["body.last.inner.w0", "body.last.w0", "body.last.w1", "body.first.w0", "gain", "offset"]
        ],
        "The parts below the second level are missing: let each part pass the call on to its own parts.": [
            *["gain", "offset", "body.last.w0", "body.last.w1", "body.first.w0"]
        ],
        "All that one part lists comes before the next part: go down to its own parts first.": [
            *["gain", "offset", "body.last.w0", "body.last.w1", "body.first.w0", "body.last.inner.w0"]
        ],
        "The names are sorted: keep the order of assignment.": sorted(["gain", "offset", *deep]),
        "The dot is missing.": ["gain", "offset", *(name.replace(".", "") for name in deep)],
    },
)
expect(
    [names(net, recurse=False), names(body, recurse=False), names(body)],
    [["gain", "offset"], [], [name.removeprefix("body.") for name in deep]],
    "the names with recurse=False, for net and for net.body, and those of net.body",
    mistakes={
        "recurse has no effect.": [
            *[["gain", "offset", *deep], [name.removeprefix("body.") for name in deep]],
            [name.removeprefix("body.") for name in deep],
        ]
    },
)
values = net.state_dict()
with torch.no_grad():
    values["body.last.w1"].fill_(7.0)
expect(
    net.body.last.w1.detach(),
    torch.full((2, 2), 7.0),
    "the pairs hold the parameters themselves",
    mistakes={"A copy came back: put the parameter itself into the pair.": torch.full((2, 2), 2.0)},
)


def modes():
    return {
        "net": net.training,
        "body": body.training,
        "body.last": body.last.training,
        "body.first": body.first.training,
    }


def all_modes(*flags):
    return dict(zip(("net", "body", "body.last", "body.first"), flags))


returned = net.train(mode=False)
expect(
    modes(),
    all_modes(*[False] * 4),
    "`training` of net and its parts after net.train(mode=False)",
    mistakes={
        "mode has no effect: set training to it.": all_modes(True, True, True, True),
        "The parts do not follow: call train on each part, and pass mode on.": all_modes(False, True, True, True),
        "The parts of parts do not follow: call train on each part, which passes it on.": all_modes(
            False, False, True, True
        ),
    },
)
require(returned is net, "net.train(mode=False) returns net", "End with return self.")
net.train()
expect(modes(), all_modes(*[True] * 4), "the same after net.train()")
body.eval()
expect(modes(), all_modes(True, False, False, False), "the same after net.body.eval()")
net.train()
expect(
    modes(),
    all_modes(*[True] * 4),
    "the same after net.train(), where net had the mode already and its part did not",
    mistakes={
        "A part may have another mode than the module: pass every call on.": all_modes(True, False, False, False)
    },
)
net.late = nn.Parameter(torch.ones(1))
expect(names(net), ["gain", "offset", "late", *deep], "the names after one more Parameter was assigned")


def keeps(module):
    module.very = parameter = nn.Parameter(torch.ones(2))
    return module.very is parameter


def subclassed(module):
    class Part(type(module)):
        pass

    module.part = Part()
    module.part.part = type(module)()
    return [list(module._modules), list(module.part._modules)]


other = TinyModule()
other.forward = subclassed
expect(
    other(other),
    [["part"], ["part"]],
    "the registries of parts, where the part has a class that is based on TinyModule, and a TinyModule as its own part",
    mistakes={
        "A part may have any class based on TinyModule, so compare with TinyModule, not with type(self).": [
            ["part"],
            [],
        ]
    },
)
net.forward = keeps
require(
    net(net) is True, "a Parameter is stored as it is", "You get back a different object: do not copy the Parameter."
)


def told(net):
    return len(net.parameters()), names(net)


shares = TinyModule()
shares.a = shares.z = part = filled((2,), (3,))
expect(
    told(shares),
    (2, ["a.w0", "a.w1"]),
    "the number of parameters and the names, for a part that has two names",
    mistakes={
        "The same parameter is listed under each of its names: list it once.": (4, ["a.w0", "a.w1", "z.w0", "z.w1"])
    },
)
shares = TinyModule()
shares.a, shares.b = filled((2,), (3,)), filled((4,))


def tie(module):
    module.b.w0 = module.a.w1


shares.forward = tie
shares(shares)
expect(
    told(shares),
    (2, ["a.w0", "a.w1"]),
    "the same for two parts that share a parameter",
    mistakes={
        "The same parameter is listed under each of its names: list it once.": (3, ["a.w0", "a.w1", "b.w0"]),
        "A parameter that is found again stays under its first name.": (2, ["a.w0", "b.w0"]),
    },
)
own = TinyModule()


def two_names(module):
    module.a = module.b = nn.Parameter(torch.ones(2))


own.forward = two_names
own(own)
expect(
    [names(own), names(own, recurse=False)],
    [["a"], ["a"]],
    "the names for a parameter that has two names in one module, and the same with recurse=False",
    mistakes={
        "The same parameter is listed under each of its names: list it once.": [["a", "b"], ["a", "b"]],
        "With recurse=False, too, the same parameter is listed once.": [["a"], ["a", "b"]],
    },
)
two = TinyModule()
two.x, two.y = TinyModule(), TinyModule()


def from_one_tensor(two):
    start = torch.ones(1)
    two.x.w, two.y.w = nn.Parameter(start), nn.Parameter(start)
    return two.x.w is not two.y.w


two.forward = from_one_tensor
two(two)
expect(
    told(two),
    (2, ["x.w", "y.w"]),
    "the same for two different parameters with equal values, made from one tensor",
    mistakes={"Equal values or shared memory do not make it the same parameter: compare with `is`.": (1, ["x.w"])},
)
registered = "The old value is still registered: remove the name from where it was."
ordinary = "The old value is still in vars(net), where Python looks first: remove it."
weight = nn.Parameter(torch.ones(2))


def replace(module, old, value):
    module.x = old
    module.x = value
    return [list(module._parameters), list(module._modules), module.x is value]


for kind, old, value, wanted, slip, mistaken in [
    ("a number to a Parameter's name", weight, 3, [[], [], True], registered, [["x"], [], True]),
    ("a part to a Parameter's name", weight, filled((1,)), [[], ["x"], True], registered, [["x"], ["x"], False]),
    ("a Parameter to a part's name", filled((1,)), weight, [["x"], [], True], registered, [["x"], ["x"], True]),
    ("None to a part's name", filled((1,)), None, [[], [], True], registered, [[], ["x"], True]),
    ("a part to a name that held None", None, filled((1,)), [[], ["x"], True], ordinary, [[], ["x"], False]),
    (
        *("an nn.Linear to a name that held a number", 5, nn.Linear(1, 1), [[], [], True]),
        *("An nn.Linear is not a TinyModule: store it the ordinary way.", [[], ["x"], True]),
    ),
    ("a Parameter to a name that held a number", 5, weight, [["x"], [], True], ordinary, [["x"], [], False]),
]:
    net = TinyModule()
    net.forward = replace
    expect(
        net(net, old, value),
        wanted,
        f"the registries after assigning {kind}, and whether net.x is the new value",
        mistakes={slip: mistaken},
    )
net = TinyModule()
part = net
for depth in range(4):
    part.weight = nn.Parameter(torch.full((2,), float(depth)))
    part.next = TinyModule()
    part = part.next
net.eval()
expect(
    [names(net), [net.training, net.next.next.next.training, part.training]],
    [["next." * depth + "weight" for depth in range(4)], [False] * 3],
    "the names in a chain of parts four levels deep, and the modes of three modules after net.eval()",
)
### BEGIN HIDDEN TESTS
net = TinyModule()
part = net
for depth in range(5):
    part.weight = nn.Parameter(torch.full((2,), float(depth)))
    part.next = TinyModule()
    part = part.next
expect(names(net), ["next." * depth + "weight" for depth in range(5)], "the names in a chain of five parts")
expect(names(net, recurse=False), ["weight"], "the same with recurse=False")
net.eval()
expect([net.training, net.next.next.next.training, part.training], [False] * 3, "their modes after net.eval()")
net.next.train()
expect([net.training, net.next.training, part.training], [False, True, True], "the modes after net.next.train()")
tied = TinyModule()
tied.a, tied.b = filled((2, 1)), TinyModule()
tied.b.a = tied.a
tied.b.w = nn.Parameter(torch.ones(3))
tied.c = filled((2, 1))
expect(told(tied), (3, ["a.w0", "b.w", "c.w0"]), "the names if a part is also a part of another part")
net.weight = 3
expect(names(net)[0], "next.weight", "the first name after net.weight = 3")
### END HIDDEN TESTS

# %% [markdown]
# ### Your system at work
#
# Now the same code builds a network twice: once on `nn.Module`, once on your `TinyModule`. Both start from the same
# values and are trained on 300 digits.
#
# **Before you run it:** will the names agree? And the losses?


# %% yours folded label="Stand-in if TinyModule is not solved yet"
def works(base):
    """Whether a module with this base class lists the parameters of a part."""
    try:
        net = base()
        net.part = base()
        net.part.weight = nn.Parameter(torch.zeros(1))
        return [name for name, _ in net.named_parameters()] == ["part.weight"]
    except Exception:
        return False


if works(TinyModule):
    Base = TinyModule
else:
    Base = nn.Module
    print("`TinyModule` is not solved yet: nn.Module is used in its place.")

digits, labels = load_digits()
pixels, classes = digits[:300].flatten(1) / 16, labels[:300]


# %% yours
def make(base):
    """The same two-layer net on any base class."""

    class Layer(base):
        def __init__(self, in_features, out_features):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(out_features, in_features) / in_features**0.5)
            self.bias = nn.Parameter(torch.zeros(out_features))

        def forward(self, x):
            return F.linear(x, self.weight, self.bias)

    class Net(base):
        def __init__(self):
            super().__init__()
            self.hidden, self.last = Layer(64, 50), Layer(50, 10)

        def forward(self, x):
            return self.last(F.relu(self.hidden(x)))

    torch.manual_seed(0)
    return Net()


def losses_of(net, steps=60):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(pixels), classes)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


theirs, mine = make(nn.Module), make(Base)
print("names on nn.Module:  ", list(theirs.state_dict()))
print("names on TinyModule: ", list(mine.state_dict()))
their_losses, my_losses = losses_of(theirs), losses_of(mine)
print(f"loss {my_losses[0]:.3f} → {my_losses[-1]:.3f}   the same losses: {my_losses == their_losses}")

# %% yours folded label="Draw both losses"
curves, axes_of_losses = plot_axes(5.6, 2.7)
axes_of_losses.plot(their_losses, color=COLOURS["plain"], lw=6, alpha=0.5)
axes_of_losses.plot(my_losses, color=COLOURS["loss"], lw=1.8)
axes_of_losses.text(22, their_losses[22] + 0.28, "wide grey: nn.Module\nthin red: yours", fontsize=9, color=INK)
axes_of_losses.set(xlabel="step", ylabel="loss on 300 digits", ylim=(0, 2.6), title="one network, two module systems")
show(
    curves,
    alt="Two loss curves over 60 steps, from about 2.3 down to about 0.1. The thin one, of the net on TinyModule, runs exactly on top of the wide one, of the net on nn.Module.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Both agree exactly. All that an optimizer needs from a network is a list of its parameters, and `TinyModule` gives the
# same parameters in the same order. What torch's version adds is mostly bookkeeping: buffers, hooks, moving to a device,
# loading a `state_dict`, and error messages.
#
# </details>
#
# ## Calling a module
#
# `nn.Module` itself has a `forward`, too. What can it do, when every network needs a different one?
#
# **Before you run it:** the class below has no `forward` of its own. What does the cell print?


# %% predict
class Unfinished(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)


try:
    net = Unfinished()
    print("created")
    print(net(torch.zeros(1, 3)))
except Exception as error:
    print(f"{type(error).__name__}: {error}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# Creating the module needs no `forward`; only the call does. The base class has a `forward` that raises `NotImplementedError`. That method's only
# job is to tell you that yours is missing (or misspelt, or indented too far, so that it became a local function of `__init__`).
#
# </details>
#
# As you saw in `10_modules`, you write `forward`, but you call the module: `net(x)` is `net.__call__(x)`, which does a little more: it runs
# the *forward pre-hooks*, then `forward`, then the *forward hooks*. If there are *backward hooks*, it also arranges for
# autograd to call them. A **hook** is a function that you attach to a module from outside, without changing its class.

# %% folded label="Draw a call"
figure, ax = plt.subplots(figsize=(5.6, 2.7), layout="constrained")
steps = [("forward\npre-hooks", "plain"), ("forward", "learned"), ("forward\nhooks", "plain")]
for i, (text, role) in enumerate(steps):
    text_box(ax, 1.5 + 2.2 * i, 0, 1.7, text, role, height=0.95)
arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
for start, end in [(0.6, 1.5), (3.2, 3.7), (5.4, 5.9), (7.6, 8.4)]:
    ax.annotate("", (end, 0), (start, 0), arrowprops=arrow)
ax.text(0.3, 0, "x", ha="center", va="center", fontsize=12, color=COLOURS["input"], weight="bold")
ax.text(8.7, 0, "y", ha="center", va="center", fontsize=12, color=COLOURS["output"], weight="bold")
ax.add_artist(plt.Rectangle((1.1, -0.75), 6.9, 1.75, fill=False, edgecolor=INK, lw=1.2, ls="--"))
ax.text(4.55, 1.15, "net(x)", ha="center", fontsize=10, color=INK, family="monospace")
text_box(ax, 3.2, -1.7, 2.7, "full backward hooks", "loss")
ax.annotate(
    "", (5.9, -1.7), (8.7, -0.3), arrowprops=arrow | {"color": COLOURS["loss"], "connectionstyle": "arc3,rad=-0.3"}
)
ax.annotate(
    "", (0.3, -0.3), (3.2, -1.7), arrowprops=arrow | {"color": COLOURS["loss"], "connectionstyle": "arc3,rad=-0.3"}
)
ax.text(4.55, -2.3, "during backward(): gradient of y in, gradient of x out", ha="center", fontsize=8.5, color=INK)
ax.set(xlim=(0, 9), ylim=(-2.6, 1.5))
ax.axis("off")
show(
    figure,
    alt="A call net(x) as a row: x goes through the forward pre-hooks, then forward, then the forward hooks, and y comes out. Below, on the way back during "
    "backward(), the full backward hooks see the gradient of y and the gradient of x.",
)

# %% [markdown]
# A forward hook is called with the module, the tuple of inputs, and the output. If it returns something other than `None`,
# that takes the place of the output. A forward pre-hook is called with the module and the tuple of inputs, and may return new
# inputs.
#
# **Before you run it:** the layer doubles its input, the pre-hook adds 1 to the input, and the hook multiplies the output by 10.
# What do the three lines print for an input of 3?


# %% predict
class Double(nn.Module):
    def forward(self, x):
        return 2 * x


layer, x = Double(), torch.tensor(3.0)
handle_pre = layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] + 1,))
handle = layer.register_forward_hook(lambda module, inputs, output: output * 10)
print("layer(x):        ", layer(x).item())
print("layer.forward(x):", layer.forward(x).item())
handle.remove()
print("handle removed:  ", layer(x).item())

# %% [markdown]
# <details><summary>Why?</summary>
#
# $(3 + 1) \cdot 2 \cdot 10 = 80$. Calling `forward` directly skips both hooks: 6. After `handle.remove()` only the pre-hook
# is left: $(3 + 1) \cdot 2 = 8$. Registering a hook returns a handle, whose `remove()` takes the hook off again. Until then,
# the hook runs at every call.
#
# </details>
#
# ## Sequential from scratch
#
# Registries and calls are all you need for `nn.Sequential`: register each module with its position as its name, and in
# `forward` call them one after another. `self.add_module("0", module)` registers a module under a computed name. (The
# modules must be in the registry: a Python list would hide them.)
#
# ### Exercise: MySequential
#
# Write `MySequential(*modules)`, without torch's own containers (`nn.Sequential`, `nn.ModuleList`, `nn.ModuleDict`).
#
# - Its parts are the given modules themselves, registered under the names `"0"`, `"1"`, `"2"`, …, so that `state_dict()`
#   has the same keys as that of `nn.Sequential`. The same module may be given several times.
# - `forward` passes `x` through all the modules in order; with no modules, it returns `x`. Each module gets exactly what the one
#   before it returned, even if that is a tuple or a tensor of integers. `forward` *calls* the modules, so that their hooks run.
# - `len(net)` is the number of modules, a repeated one counted each time. `net[i]` is the module at position `i`; a
#   negative `i` counts from the end. A position that does not exist raises `IndexError`.
#
# As with every module, `copy.deepcopy` works, and gradients reach all parameters and `x`.
#
# <details><summary>Hint 1: where are the modules?</summary>
#
# `self._modules` is a dict, in the order of registration. `self._modules.values()` visits a repeated module each time
# (`self.children()` visits it only once).
#
# </details>
#
# <details><summary>Hint 2: negative positions</summary>
#
# A list understands negative positions and raises `IndexError` by itself: make one from the registry whenever you need it.
#
# </details>


# %% exercise="my_sequential" difficulty=2 minutes=10
class MySequential(nn.Module):
    """A chain of modules, as nn.Sequential.

    Args:
        modules: any number of modules, in the order in which they are called.
    """

    def __init__(self, *modules: nn.Module):
        ### BEGIN SOLUTION
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: whatever the first module takes. Returns: what the last one gives."""
        ### BEGIN SOLUTION
        for module in self._modules.values():
            x = module(x)
        return x
        ### END SOLUTION

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self._modules)
        ### END SOLUTION

    def __getitem__(self, i: int) -> nn.Module:
        ### BEGIN SOLUTION
        return list(self._modules.values())[i]
        ### END SOLUTION


# %% check="my_sequential" points=2
import copy

g = torch.Generator().manual_seed(113)


class Add(nn.Module):
    """Adds a number."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, x):
        return x + self.number


class Times(Add):
    """Multiplies by a number."""

    def forward(self, x):
        return x * self.number


def examine(parts, x, copied=False):
    """Compare a chain with nn.Sequential of copies of the same modules: names, values, gradients."""
    theirs = nn.Sequential(*copy.deepcopy(parts))
    net = MySequential(*parts)
    if copied:
        net = copy.deepcopy(net)
    title = f"MySequential({', '.join(type(part).__name__ for part in parts)})"
    wanted = {name: str(tuple(value.shape)) for name, value in theirs.state_dict().items()}
    found = {name: str(tuple(value.shape)) for name, value in net.state_dict().items()}
    expect(
        found,
        wanted,
        f"the names and shapes in the state_dict of {title}",
        mistakes={
            "No part is registered: a list is not enough.": {},
            "The modules are inside another container: register them in this module itself.": {
                f"{next(iter(found), '').partition('.')[0]}.{name}": shape for name, shape in wanted.items()
            },
            "The names start at 0, not at 1.": {
                f"{int(name.split('.')[0]) + 1}.{name.split('.', 1)[1]}": shape for name, shape in wanted.items()
            },
        }
        if wanted
        else None,
    )
    kinds = isinstance(net, (nn.Sequential, nn.ModuleList, nn.ModuleDict))
    require(
        not kinds, f"{title} is written from scratch", "It is torch's own container: register the modules yourself."
    )
    expect(
        [name for name, _ in net.named_parameters()],
        [name for name, _ in theirs.named_parameters()],
        f"the names of the parameters of {title}, each parameter once",
        mistakes={
            "A module given twice has become two: register the modules themselves, not copies.": list(wanted)[:6]
        },
    )
    mode = len(parts) % 2 == 1
    theirs.train(mode)
    net.train(mode)
    a, b = x.clone().requires_grad_(), x.clone().requires_grad_()
    wanted, answer = theirs(a), net(b)
    expect(answer, wanted, f"{title}(x) for x of shape {tuple(x.shape)}", rtol=1e-4, atol=1e-5)
    weight = torch.randn(wanted.shape, generator=g)
    (wanted * weight).sum().backward()
    require(answer.requires_grad, f"autograd follows {title}", "Is something detached?")
    (answer * weight).sum().backward()
    expect(
        {name: p.grad for name, p in net.named_parameters()} | {"x": b.grad},
        {name: p.grad for name, p in theirs.named_parameters()} | {"x": a.grad},
        f"the gradients of the parameters of {title} and of x",
        rtol=1e-3,
        atol=1e-4,
    )


x = torch.tensor([1.0, 2.0])
double = Times(2)
expect(
    MySequential(Add(1), double, Add(3), double)(x),
    torch.tensor([14.0, 18.0]),
    "MySequential(add 1, double, add 3, double) for (1, 2), where double is the same module twice",
    mistakes={
        "The repeated module ran only once: children() visits it once. Go through self._modules.values().": torch.tensor(
            [7.0, 9.0]
        ),
        "Only the last module ran on x: pass each one the output of the module before it.": torch.tensor([2.0, 4.0]),
        "Only the first module ran: you return inside the loop.": torch.tensor([2.0, 3.0]),
        "The modules ran in reverse order.": torch.tensor([11.0, 15.0]),
    },
)
expect(MySequential()(x), x, "MySequential()(x)")
expect(
    MySequential(Add(1), double)(torch.tensor([1, 2])),
    torch.tensor([4, 6]),
    "MySequential(add 1, double) for the integers (1, 2)",
    mistakes={"The integers have become floats: pass x on as it is.": torch.tensor([4.0, 6.0])},
)


class Both(nn.Module):
    """Returns a tuple: x and x + 1."""

    def forward(self, x):
        return x, x + 1


class Second(nn.Module):
    """Takes a tuple, returns its second element."""

    def forward(self, pair):
        return pair[1]


expect(
    MySequential(Both(), Second(), double)(x),
    torch.tensor([4.0, 6.0]),
    "a chain in which a tuple goes from part to part",
)
examine([nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)], torch.randn(5, 3, generator=g))
same = nn.Linear(4, 4)
examine([same, nn.Tanh(), same, nn.BatchNorm1d(4)], torch.randn(6, 4, generator=g))
examine([nn.Sequential(nn.Linear(2, 3), nn.ReLU()), nn.Linear(3, 1)], torch.randn(4, 2, generator=g), copied=True)
linear = nn.Linear(2, 1)
net = MySequential(linear, Add(1))
linear.load_state_dict({"weight": torch.zeros(1, 2), "bias": torch.tensor([4.0])})
expect(
    net(x).detach(),
    torch.tensor([5.0]),
    "a chain after its linear layer was given other numbers: it holds the layer itself",
)
require(net[0] is linear, "net[0] is the given layer itself", "It is a copy: register the modules that you are given.")
twelve = MySequential(*[Add(k) for k in range(12)])
both = MySequential(double, Add(1), double)
expect(
    [len(twelve), len(both), len(MySequential())],
    [12, 3, 0],
    "len of chains of 12, of 3 (one module twice) and of no modules",
    mistakes={"A repeated module counts each time.": [12, 2, 0]},
)
expect(
    [twelve[0].number, twelve[10].number, twelve[2].number, twelve[-1].number, twelve[-12].number, both[-1].number],
    [0, 10, 2, 11, 0, 2],
    "the numbers of net[0], net[10], net[2], net[-1] and net[-12] of the chain of 12, and of the last of 3",
)
expect(twelve(torch.zeros(1)), torch.tensor([66.0]), "the chain of 12 modules, each adding its position, for (0)")
for i in (12, -13):
    expect_error(IndexError, lambda i=i: twelve[i], f"net[{i}] raises IndexError for the chain of 12")
hooked = Add(1)
hooked.register_forward_hook(lambda module, inputs, output: output * 100)
expect(
    MySequential(hooked, Add(5))(x),
    torch.tensor([205.0, 305.0]),
    "a chain whose first module has a hook that multiplies by 100",
    mistakes={"The hook did not run: call the module, not its forward.": torch.tensor([7.0, 8.0])},
)
before = Add(1)
before.register_forward_pre_hook(lambda module, inputs: (inputs[0] * 10,))
expect(
    MySequential(before, Add(5))(x),
    torch.tensor([16.0, 26.0]),
    "a chain whose first module has a pre-hook that multiplies the input by 10",
    mistakes={"The pre-hook did not run: call every module, whatever hooks it has.": torch.tensor([7.0, 8.0])},
)
### BEGIN HIDDEN TESTS
examine([nn.Conv2d(1, 2, 2), nn.Flatten(), nn.Linear(8, 3), nn.Tanh()], torch.randn(2, 1, 3, 3, generator=g))
examine([nn.Linear(3, 3), same := nn.Linear(3, 3), same], torch.randn(4, 3, generator=g), copied=True)
third = Times(3)
net = MySequential(third, Add(1), third, Add(-2), third)
expect(net(torch.tensor([[1.0]])), torch.tensor([[30.0]]), "one module three times")
expect([len(net), net[2].number, net[-2].number, net[3].number], [5, 3, -2, -2], "len and positions of it")
expect_error(IndexError, lambda: net[5], "net[5] raises IndexError for 5 modules")
expect_error(IndexError, lambda: MySequential()[0], "net[0] raises IndexError for no modules")
### END HIDDEN TESTS

# %% [markdown]
# ### Side by side
#
# Now your chain gets the same numbers as torch's: it loads the `state_dict` of `theirs`.

# %% yours
chain = yours_or_ours(MySequential, nn.Sequential, nn.ReLU(), nn.Tanh(), call=(torch.ones(2, 3),))
theirs = nn.Sequential(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10))
mine = chain(nn.Linear(20, 256), nn.ReLU(), nn.Linear(256, 10))
sample = torch.rand(2, 20)
print("the same output before:", torch.equal(mine(sample), theirs(sample)))
print(mine.load_state_dict(theirs.state_dict()))
print("the same output after: ", torch.equal(mine(sample), theirs(sample)))
print(mine)

# %% [markdown]
# Even `print` works: it walks through the registries, as everything else does.
#
# ## Blocks: any Python in forward
#
# A chain is one kind of block. A class of your own can do anything between its input and its output. The one that you will
# write next combines three things:
#
# - **a constant**: a random matrix that is used, but never trained;
# - **a shared layer**: the same `nn.Linear` is called twice;
# - **control flow**: a `while` loop whose number of iterations depends on the values.
#
# A chain of layers can do only the second.
#
# You know from `10_modules` that the gradient of a weight that is used twice is a sum: the two uses are two paths from the
# weight to the loss, and autograd adds up what comes back along them. To see both terms, give the second use a weight of its
# own with the same numbers:

# %%
torch.manual_seed(1)
x, w = torch.randn(3, 2), torch.randn(2, 2)
shared = w.clone().requires_grad_()
F.linear(torch.tanh(F.linear(x, shared)), shared).pow(2).sum().backward()

first, second = w.clone().requires_grad_(), w.clone().requires_grad_()
F.linear(torch.tanh(F.linear(x, first)), second).pow(2).sum().backward()
print("the shared gradient is the sum:", torch.allclose(shared.grad, first.grad + second.grad))

# %% folded label="Draw the two terms and their sum"
draw_row(
    Grid(first.grad, "1st use", "learned", digits=2),
    "+",
    Grid(second.grad, "2nd use", "learned", digits=2),
    "=",
    Grid(shared.grad, "shared", "learned", digits=2),
    alt="Three 2×2 grids of numbers: the gradient of the weight through its first use, plus that through its second use, equals the gradient of "
    "the shared weight, cell by cell.",
    cell=0.6,
)

# %% [markdown]
# And the loop? Autograd records what was computed, not the code. Every operation that the loop carried out is in the graph,
# and the backward pass goes through all of them.
#
# **Before you run it:** `y = x.sum()` is halved until it is at most 1. What is the gradient of each element of `x` if the
# elements add up to 6? And to 0.5?

# %% predict
for values in ([1.0, 2.0, 3.0], [0.25, 0.25]):
    x = torch.tensor(values, requires_grad=True)
    y = x.sum()
    while y > 1:
        y = y / 2
    y.backward()
    print(f"sum {sum(values)} → {y.item()}   gradient {x.grad.tolist()}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# 6 is halved three times, to 0.75. There are three halvings in the graph, so each gradient is 1/8. 0.5 is not halved at all,
# so the gradient is 1. The same code can build a different graph for each input.
#
# </details>
#
# ### Constants: what kind of attribute?
#
# The constant matrix should not be trained, so it is not an `nn.Parameter`. But it must be saved: with *another* random
# matrix, a loaded network would give different answers. A plain tensor attribute is not saved. A **buffer** is:
# `self.register_buffer("mixing", torch.rand(4, 4))` registers it under a name. From then on you read it as `self.mixing`.
#
# ### Exercise: A fixed hidden layer
#
# Write the class `FixedHidden(features)`. With $F$ = `features`:
#
# - `linear` is the only layer, an `nn.Linear` from $F$ to $F$ features with a bias. Its weight and bias are the only parameters.
# - `mixing` is a matrix of shape $F \times F$, drawn uniformly from $[0, 1)$ for each new module. It is never trained, but it is
#   part of the `state_dict`.
# - `forward` takes $x$ of shape $N \times F$ and computes, in this order: `linear`; the matrix product with `mixing` (the
#   samples are rows: $h M$); plus 1; a ReLU; `linear` again, the same layer. Then **as long as** the sum of the absolute values of
#   the whole result is greater than 1, all its values are halved. It returns the sum of all values, a 0-d tensor.
#
# `x` is left as it was; gradients reach both parameters and `x`. After `net.double()` it takes float64.
#
# <details><summary>Hint 1: what is created once?</summary>
#
# One layer and one buffer, in `__init__`, after `super().__init__()`. The rest is computed in `forward`.
#
# </details>
#
# <details><summary>Hint 2: the loop</summary>
#
# `while h.abs().sum() > 1:` works: a tensor with one element can be a condition, even while autograd records. An `if` would
# halve at most once.
#
# </details>


# %% exercise="fixed_hidden" difficulty=2 minutes=10
class FixedHidden(nn.Module):
    """A layer that is used twice, a constant in between, and a loop.

    Args:
        features: the number of features of the input.
    """

    def __init__(self, features: int):
        ### BEGIN SOLUTION
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("mixing", torch.rand(features, features))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, features). Returns: a 0-d tensor."""
        ### BEGIN SOLUTION
        h = F.relu(self.linear(x) @ self.mixing + 1)
        h = self.linear(h)
        while h.abs().sum() > 1:
            h = h / 2
        return h.sum()
        ### END SOLUTION


# %% check="fixed_hidden" points=2
import contextlib
import io

g = torch.Generator().manual_seed(279)


def wanted_value(x, w, b, m, again=True, plus=1, after=0, relu=True, turns=99, size=lambda h: np.abs(h).sum()):
    """The value in NumPy, in double precision and without gradients, with each known slip as an option."""
    h = np.einsum("nf,gf,gk->nk", x, w, m) + b @ m + plus
    h = (np.where(h < 0, 0, h) if relu else h) + after
    h = np.einsum("nf,gf->ng", h, w) + b if again else h
    while size(h) > 1 and turns > 0:
        h, turns = h * 0.5, turns - 1
    return h.sum()


def slopes(values, i):
    """The gradient for values[i], measured: how far the value moves when one entry moves a little."""
    found = np.zeros_like(values[i])
    for place in np.ndindex(found.shape):
        step = 1e-6 * max(1, abs(values[i][place]))
        ends = []
        for sign in (1, -1):
            moved = [value.copy() for value in values]
            moved[i][place] += sign * step
            ends.append(wanted_value(*moved))
        found[place] = (ends[0] - ends[1]) / (2 * step)
    return torch.tensor(found)


def examine(features, n, scale, title="", known=False):
    net = FixedHidden(features)
    name = f"FixedHidden({features})"
    parts = {name: str(tuple(p.shape)) for name, p in net.named_parameters()}
    layer = {"linear.weight": str((features, features)), "linear.bias": str((features,))}
    square = {"mixing": str((features, features))}
    second = next((name.partition(".")[0] for name in parts if not name.startswith(("linear.", "mixing"))), "?")
    expect(
        parts,
        layer,
        f"names and shapes of the parameters of {name}",
        mistakes={
            "There are two layers: call the same one twice.": layer
            | {f"{second}.{name.partition('.')[2]}": shape for name, shape in layer.items()},
            "mixing is a parameter, so it would be trained: register it as a buffer.": square | layer,
            "No layer is registered: assign it to self.linear in __init__.": {},
            "The layer has no bias.": {"linear.weight": layer["linear.weight"]},
        },
    )
    saved = {name: str(tuple(value.shape)) for name, value in net.state_dict().items()}
    expect(
        saved,
        square | layer,
        f"names and shapes in the state_dict of {name}",
        mistakes={"mixing is not saved: a plain tensor, or a buffer with persistent=False, is not.": layer},
    )
    m, m_trained = net.mixing.detach().clone(), net.mixing.requires_grad
    other = FixedHidden(features).mixing
    require(
        bool((m >= 0).all() and (m < 1).all()), "mixing is drawn from [0, 1)", "Some value is outside: use torch.rand."
    )
    require(
        not m_trained,
        "mixing requires no gradient",
        "It would get one in each backward pass: draw it without requires_grad.",
    )
    if features > 3:
        spread = bool(m.max() > 0.6 and m.min() < 0.4 and not torch.equal(m, other))
        require(
            spread,
            "mixing is random, and different in each module",
            "Draw it with torch.rand in __init__, without a seed.",
        )
    w, b = torch.randn(features, features, generator=g) * scale, torch.randn(features, generator=g) * scale
    m = torch.rand(features, features, generator=g)
    x = torch.randn(features, n, generator=g).t()
    x = x.contiguous() if n % 2 == 0 else x
    if title.endswith("float64"):
        net.double().eval()
        x, w, b, m = x.double(), w.double(), b.double(), m.double()
    net.load_state_dict({"linear.weight": w, "linear.bias": b, "mixing": m})
    values = [value.double().numpy() for value in (x, w, b, m)]

    def value(**slip):
        return torch.tensor(wanted_value(*values, **slip), dtype=x.dtype)

    mine, before = x.requires_grad_(), x.detach().clone()
    plain = before.clone()
    net(inplace(plain))
    expect(plain, before, f"{name}(x) leaves x as it was")
    answer = net(mine)
    turned = [*values[:3], values[3].T]
    expect(
        answer,
        value(),
        f"{name}(x) for {n} samples{title}",
        rtol=1e-4,
        mistakes={
            "It was halved at most once: use while, not if.": value(turns=1),
            "The 1 is missing.": value(plus=0),
            "The 1 is added after the ReLU: add it before.": value(plus=0, after=1),
            "The ReLU is missing.": value(relu=False),
            "mixing is transposed: the samples are rows, so it is h @ mixing.": torch.tensor(
                wanted_value(*turned), dtype=x.dtype
            ),
            "The layer is not used a second time.": value(again=False),
            "The loop does not look at the sum of the absolute values, h.abs().sum().": value(size=np.sum),
            "The loop looks at each sample by itself: the sum runs over the whole result.": value(
                size=lambda h: np.abs(h).sum(1).max()
            ),
            "The loop looks at the largest absolute value, not at the sum.": value(size=lambda h: np.abs(h).max()),
            "Nothing was halved.": value(turns=0),
        }
        if known
        else None,
    )
    require(answer.requires_grad, f"autograd follows {name}", "Is something detached, or computed under no_grad?")
    answer.backward()
    found = {name: p.grad for name, p in net.named_parameters()} | {"x": mine.grad}
    missing = [name for name, gradient in found.items() if gradient is None]
    require(not missing, "a gradient reaches weight, bias and x", f"None reaches {', '.join(missing)}.")
    expect(
        found,
        {name: slopes(values, i).to(x.dtype) for i, name in enumerate(["x", "linear.weight", "linear.bias"])},
        f"the gradients of {name}{title}",
        rtol=1e-3,
        atol=1e-5,
    )


examine(5, 4, 0.6, known=True)


def battery(cases):
    with contextlib.redirect_stdout(io.StringIO()):
        for case in cases:
            examine(*case)


cases = [(4, 3, 0.02, ", with values so small that nothing is halved"), (6, 2, 3.0, ", with large values")]
cases.append((3, 4, 3000.0, ", with values that are halved 25 times or more"))
battery([*cases, (2, 5, 0.9, ", after net.eval(), in float64")])
require(
    True, "the same with values so small that nothing is halved, with large values, and after net.eval() in float64", ""
)
net = FixedHidden(4)
net.load_state_dict(
    {"linear.weight": torch.zeros(4, 4), "linear.bias": torch.full((4,), 0.25), "mixing": torch.ones(4, 4)}
)
expect(
    net(torch.ones(1, 4)),
    torch.tensor(1.0),
    "FixedHidden(4)(x) where the sum of absolute values is exactly 1",
    mistakes={"A sum of exactly 1 is not greater than 1: nothing is halved.": torch.tensor(0.5)},
)
net.load_state_dict({"linear.weight": torch.zeros(4, 4), "linear.bias": torch.zeros(4), "mixing": torch.ones(4, 4)})
expect(net(torch.ones(2, 4)), torch.tensor(0.0), "FixedHidden(4)(x) where all the values are 0")
net.linear.load_state_dict({"weight": torch.zeros(4, 4), "bias": torch.full((4,), 0.251)})
expect(net(torch.ones(1, 4)), torch.tensor(0.502), "FixedHidden(4)(x) where the sum of absolute values is 1.004")
many = FixedHidden(40).mixing
require(
    bool((many < 0.1).float().mean() > 0.05 and (many > 0.9).float().mean() > 0.05),
    "mixing is drawn uniformly",
    "Too few of 1600 values are near 0 or near 1: use torch.rand.",
)
require(
    len(many.detach().unique()) > 1500,
    "all the values of mixing are drawn",
    "Of 1600 values, many are equal: draw each one.",
)
### BEGIN HIDDEN TESTS
battery([(7, 3, 0.4), (1, 6, 1.5), (4, 2, 4000.0), (5, 1, 5.0, ", with large values, in float64")])
require(True, "other sizes and values", "")
### END HIDDEN TESTS

# %% [markdown]
# ## Blocks in blocks
#
# A block is a module, so it can be a part of another block. Below, `Nest` holds an `nn.Sequential`. Chain a `Nest`, a
# plain linear layer and a block of another kind, and you have a chimera.


# %%
class Nest(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.linear = nn.Linear(32, 16)

    def forward(self, x):
        return self.linear(self.net(x))


class Scaled(nn.Module):
    """A linear layer that is called twice, and a constant."""

    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.register_buffer("constant", torch.rand(features, features))

    def forward(self, x):
        return self.linear(F.relu(self.linear(x) @ self.constant + 1)).sum()


# %% [markdown]
# **Before you run it:** `named_modules()` lists every module in the tree, the chimera itself included. How many are there? How
# many parameter tensors, and what is the name of the weight of the first layer?

# %% predict
chimera = nn.Sequential(Nest(), nn.Linear(16, 20), Scaled(20))
print("output:", tuple(chimera(torch.randn(2, 20)).shape))
print("modules:", len(list(chimera.named_modules())))
names = [name for name, _ in chimera.named_parameters()]
print("parameters:", len(names), "the first:", names[0])


# %% predict folded label="Draw the tree of the chimera"
def draw_tree(net, title, alt):
    """Draw what named_modules() lists as a tree, with each module's own parameters and buffers."""
    rows = []
    for name, module in net.named_modules():
        depth = name.count(".") + 1 if name else 0
        own = ["×".join(map(str, p.shape)) for p in module.parameters(recurse=False)]
        kept = ["×".join(map(str, b.shape)) for b in module.buffers(recurse=False)]
        detail = " + ".join(filter(None, [", ".join(own), kept and f"buffer {', '.join(kept)}"]))
        rows.append((depth, name.rpartition(".")[2] or title, type(module).__name__, detail, bool(own)))
    figure, ax = plt.subplots(figsize=(5.6, 0.36 * len(rows) + 0.3), layout="constrained")
    for i, (depth, name, kind, detail, has_own) in enumerate(rows):
        left = 0.55 * depth
        if depth:
            parent = max(k for k in range(i) if rows[k][0] < depth)
            ax.plot([left - 0.35, left - 0.35, left], [parent + 0.36, i, i], color=INK, lw=1.1)
        text_box(ax, left, i, 3.1, f"{name}: {kind}", "learned" if has_own else "plain", height=0.72)
        ax.text(left + 3.25, i, detail, va="center", fontsize=8.5, color=INK)
    ax.set(xlim=(-0.1, 7.8), ylim=(len(rows) - 0.5, -0.5))
    ax.axis("off")
    show(figure, alt=alt)


draw_tree(
    chimera,
    "chimera",
    alt="The tree of the chimera. At the root a Sequential with three parts: 0, a Nest; 1, a Linear with 20×16 and 20; 2, a Scaled with a buffer of 20×20. The Nest "
    "has net, a Sequential of Linear, ReLU, Linear, ReLU, and linear, a Linear. The Scaled has linear. Only the five Linear modules own parameters.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Eleven modules: the chimera, its three parts, two parts of `Nest`, four modules in the chain of `Nest`, and the layer inside
# `Scaled`: 1 + 3 + 2 + 4 + 1. Five of them are linear layers, with two parameters each: ten parameter tensors.
# (The layer that is *called* twice is registered once.) The first is `0.net.0.weight`: part 0, its `net`, the first module of
# that. A name is a path through the tree, and `chimera[0].net[0].weight` walks the same path. If you have the path as a string,
# `chimera.get_submodule("0.net.0")` returns the layer.
#
# </details>
#
# ## Four kinds of tensor
#
# A buffer is a tensor that is part of the module's state, though no gradient step changes it. Below, one of two buffers is
# registered with `persistent=False`.
#
# **Before you run it:** four tensors in one module. Which of them change their dtype with `double()`? Which are saved? Which
# would an optimizer change?


# %% predict
class Four(nn.Module):
    def __init__(self):
        super().__init__()
        self.parameter = nn.Parameter(torch.zeros(2))
        self.register_buffer("buffer", torch.zeros(2))
        self.register_buffer("temporary", torch.zeros(2), persistent=False)
        self.plain = torch.zeros(2)


net = Four().double()
print("             double()  saved  trained")
for name in ("parameter", "buffer", "temporary", "plain"):
    moved = getattr(net, name).dtype == torch.float64
    print(f"{name:12} {moved!s:9} {name in net.state_dict()!s:6} {name in dict(net.named_parameters())}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# `double()`, like `to(device)`, walks through the parameters and all buffers. (`double()` converts only floating-point tensors: an
# integer buffer keeps its dtype.) The `state_dict` holds the parameters and the persistent buffers. `persistent=False` notes the
# buffer's name in `_non_persistent_buffers_set`. It is for tensors that can be computed again, such as a table of positions. An
# optimizer gets the parameters only. A plain tensor takes part in nothing: it would stay on the CPU when the net moves to a GPU,
# and the first product with it would fail.
#
# </details>
#
# Where does a network need a buffer? Many networks need standardised inputs, with mean 0 and standard deviation 1 in each column. The means
# and deviations are computed once from the training data. Without them a loaded network is useless, so they belong inside it.
#
# ### Exercise: A layer that standardises
#
# Write the class `Standardize(features)`:
#
# - `mean` and `std`, of shape `(features,)`, are buffers that are saved. At first `mean` is all zeros and `std` all ones (float32).
# - `count`, a 0-d int64 tensor, is a buffer that is **not** saved. At first it is 0.
# - `fit(x)` takes $N \times F$ values with $N \ge 2$ and the dtype of the module. It sets `mean` and `std` to the mean and standard deviation of
#   each column, `x.std(0)` (which divides by $N - 1$). Where all the values of a column are equal, `std` is 1. `count` becomes $N$, still
#   int64. Each call starts afresh. `fit` may write into the buffers or replace them, and returns the module itself. Autograd does not record
#   `fit`: the buffers never require a gradient.
# - `forward(x)` returns `(x - mean) / std` for every row of `x`, of shape $N \times F$, $N \ge 1$. Gradients reach `x`.
#
# There are no parameters. `x` is left as it was. After `net.double()` everything but `count` is float64.
#
# <details><summary>Hint 1: registering and writing</summary>
#
# `self.register_buffer(name, tensor)` in `__init__`; a `persistent` argument says whether it is saved. A tensor that is assigned to
# the name of a buffer becomes the buffer.
#
# </details>
#
# <details><summary>Hint 2: no gradient</summary>
#
# If `x` requires a gradient, so does its mean. Use `x.detach()`, or compute under `torch.no_grad()`.
#
# </details>
#
# <details><summary>Hint 3: equal values</summary>
#
# With rounding, the standard deviation of equal values need not be exactly 0. `x.amax(0) == x.amin(0)` is a safe test, and
# `torch.where(condition, a, b)` chooses between two values, column by column.
#
# </details>


# %% exercise="standardize" difficulty=2 minutes=12
class Standardize(nn.Module):
    """(x - mean) / std, with the mean and standard deviation of the data that it was fitted to.

    Args:
        features: the number of columns.
    """

    def __init__(self, features: int):
        ### BEGIN SOLUTION
        super().__init__()
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("std", torch.ones(features))
        self.register_buffer("count", torch.tensor(0), persistent=False)
        ### END SOLUTION

    def fit(self, x: torch.Tensor) -> "Standardize":
        """Set mean, std and count from x, (N, features) with N >= 2. Returns: the module itself."""
        ### BEGIN SOLUTION
        x = x.detach()
        constant = x.amax(0) == x.amin(0)
        self.mean = x.mean(0)
        self.std = torch.where(constant, torch.ones_like(self.mean), x.std(0))
        self.count = torch.tensor(len(x))
        return self
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: (N, features). Returns: the same shape."""
        ### BEGIN SOLUTION
        return (x - self.mean) / self.std
        ### END SOLUTION


# %% check="standardize" points=2
import contextlib
import copy
import io

g = torch.Generator().manual_seed(115)


def state(net):
    return {name: value.detach() for name, value in net.state_dict().items()}


net = Standardize(3)
require(
    len(list(net.parameters())) == 0,
    "there are no parameters",
    "mean and std are parameters, so an optimizer would change them: register buffers.",
)
wanted = {"mean": torch.zeros(3), "std": torch.ones(3)}
expect(
    state(net),
    wanted,
    "the state_dict of Standardize(3)",
    mistakes={
        "Nothing is saved: register mean and std as buffers.": {},
        "count is saved: persistent=False keeps it out of the state_dict.": wanted | {"count": torch.tensor(0)},
        "mean is not saved: register a buffer.": {"std": torch.ones(3)},
        "std starts as zeros, so forward would divide by 0.": {"mean": torch.zeros(3), "std": torch.zeros(3)},
    },
)
expect(
    sorted(name for name, _ in net.named_buffers()),
    ["count", "mean", "std"],
    "the names of the buffers",
    mistakes={"count is not a buffer: register it, with persistent=False.": ["mean", "std"]},
)
expect(net.count, torch.tensor(0), "count at first")


def examine(n, features, dtype=torch.float32, net=None, needs_grad=False, known=False, earlier=0):
    net = Standardize(features).to(dtype).train(dtype == torch.float32) if net is None else net
    x = 40 * torch.randn(features, n, generator=g).to(dtype).t() + 7
    x = x.contiguous() if n % 2 == 0 else x
    x[:, 0] = 0.1  # all the values are equal, but their standard deviation is not exactly 0
    if n > 2:
        x[-1, 1:] = x[0, 1:]  # first and last value are equal, the others are not
        x[1, -1] = x[0, -1]  # and in the last column, so is the second
    if features > 2:
        x[:, 2] *= 1e-9
    x, before = x.requires_grad_(needs_grad), x.clone()
    double = before.double()
    mean = double.sum(0) / n
    spread = ((double - mean) ** 2).sum(0)
    std = (spread / (n - 1)).sqrt()
    std[0] = 1
    wrong = std.clone()
    wrong[0] = 0
    title = f"fit(x) for {n} rows, {features} columns (the first constant), {str(dtype).removeprefix('torch.')}"
    narrow = torch.where(std < 1e-6, 1.0, std)
    same = net.fit(inplace(x)) is net
    expect(x.detach(), before.detach(), f"{title} leaves x as it was")
    require(same, f"{title} returns the module", "End with return self.")
    found = state(net)
    mean, std, wrong = mean.detach().to(dtype), std.detach().to(dtype), wrong.detach().to(dtype)
    divided_by_n = (spread / n).sqrt().detach().to(dtype)
    divided_by_n[0] = 1
    tolerances = {"rtol": 1e-4, "atol": 1e-5}
    expect(
        found,
        {"mean": mean, "std": std},
        f"the state_dict after {title}",
        **tolerances,
        mistakes={
            "Nothing was stored: assign to self.mean and self.std.": {"mean": 0 * mean, "std": torch.ones_like(std)},
            "A constant column has std 1: otherwise forward divides by 0.": {"mean": mean, "std": wrong},
            "std is 1 though the values differ: compare all the values of a column.": {
                "mean": mean,
                "std": torch.ones_like(std),
            },
            "A small std is not 0: it becomes 1 only where all the values are equal.": {
                "mean": mean,
                "std": narrow.detach().to(dtype),
            },
            "The sum of squares is divided by N, not by N − 1: use x.std(0).": {"mean": mean, "std": divided_by_n},
        }
        if known
        else None,
    )
    require(
        not (net.mean.requires_grad or net.std.requires_grad),
        "the buffers require no gradient",
        "Autograd follows fit: detach x first.",
    )
    expect(
        net.count,
        torch.tensor(n),
        f"count after {title}",
        mistakes={"count adds up: each fit starts afresh.": torch.tensor(n + earlier)},
    )
    y = 4 * torch.randn(features, 5, generator=g).to(dtype).t() - 3
    y = y.contiguous() if n % 2 == 0 else y
    kept = y.clone()
    net(inplace(y))
    require(torch.equal(y, kept), "net(y) leaves y as it was", "forward changes y: -= and the like write into it.")
    answer = net(y.requires_grad_())
    expect(
        answer,
        (kept - mean) / std,
        f"net(y) for 5 other rows, after {title}",
        **tolerances,
        mistakes={
            "These are the mean and std of y itself: use those of the last fit.": (kept - kept.mean(0)) / kept.std(0),
            "The mean is not subtracted.": kept / std,
            "The values are not divided by std.": kept - mean,
        },
    )
    require(answer.requires_grad, "autograd follows net(y)", "Is y detached in forward?")
    answer.sum().backward()
    expect(y.grad, torch.ones_like(kept) / std, "the gradient of y", rtol=1e-4, atol=1e-6)
    one = net(kept[:1])
    expect(one, ((kept - mean) / std)[:1], "net(y) for a single row", **tolerances)
    return net


net = examine(6, 3, known=True)
with contextlib.redirect_stdout(io.StringIO()):
    examine(4, 3, net=net, earlier=6)
    examine(7, 4, torch.float64, needs_grad=True, known=True)
    old, new = examine(2, 2), Standardize(2)
require(
    True,
    "the same for a second fit, after net.eval() in float64, with an x that requires a gradient, and for other sizes",
    "",
)
new.load_state_dict(old.state_dict())
column = [0.1, 0.3, 0.7, 2.3, 5.9, 7.1]
spreads = [Standardize(1).fit(torch.full((7, 1), value)).std.item() for value in column]
expect(
    spreads,
    [1.0] * 6,
    f"std after a fit to seven equal values, for each of {', '.join(map(str, column))}",
    mistakes={
        "With rounding, x.std(0) need not be exactly 0: compare the values of the column.": [
            1.0 if spread == 0 else spread for spread in (torch.full((7, 1), value).std(0).item() for value in column)
        ]
    },
)
times = torch.tensor([[1.7e9], [1.7e9 + 60], [1.7e9 + 120]], dtype=torch.float64)
expect(
    Standardize(1).double().fit(times).std,
    torch.tensor([60.0], dtype=torch.float64),
    "std after a fit to the times 1.7e9, 1.7e9 + 60 and 1.7e9 + 120, in float64",
    mistakes={
        "A std that is small beside the mean is not 0: it becomes 1 only where all the values are equal.": torch.tensor(
            [1.0], dtype=torch.float64
        )
    },
    rtol=1e-4,
)
x = torch.tensor([[2.0, -9.0]])
expect(new(x), old(x).detach(), "a new module gives the same after load_state_dict")
twin = copy.deepcopy(old)
expect(twin(x), old(x).detach(), "a copy.deepcopy gives the same")
### BEGIN HIDDEN TESTS
with contextlib.redirect_stdout(io.StringIO()):
    net = examine(2, 5, needs_grad=True)
    examine(30, 5, net=net)
    examine(7, 1, torch.float64)
require(True, "other sizes", "")
### END HIDDEN TESTS

# %% [markdown]
# ## Looking inside with hooks
#
# A network returns its last output only. What happens in between? You could rewrite `forward`, but not in a class that somebody
# else wrote. Hooks need no rewriting. After `register_forward_hook(hook)`, every call of the module ends with
# `hook(module, inputs, output)`. After `register_full_backward_hook(hook)`, the backward pass calls
# `hook(module, grad_input, grad_output)` as soon as the gradients of the module's inputs and output are known. (`inputs`,
# `grad_input` and `grad_output` are tuples.)
#
# **Before you run it:** four linear layers in a row, each with both hooks. In what order will the eight lines be printed?

# %% predict
torch.manual_seed(0)
net = nn.Sequential(*[nn.Linear(4, 4) for _ in range(4)])
for name, part in net.named_children():
    part.register_forward_hook(lambda module, inputs, output, name=name: print("forward ", name))
    part.register_full_backward_hook(lambda module, into, out, name=name: print("backward", name))
net(torch.randn(2, 4, requires_grad=True)).sum().backward()

# %% [markdown]
# <details><summary>Why?</summary>
#
# Forward 0, 1, 2, 3, then backward 3, 2, 1, 0: the gradient of the loss arrives at the last layer first. A module that is
# called twice calls its hooks twice.
#
# (`name=name` keeps the name of *this* iteration. Without it, all the hooks would print the last name. And the input requires
# a gradient so that layer 0, too, has a `grad_input`.)
#
# </details>
#
# Now a measurement: 20 linear layers of 64 features, each followed by a tanh. The hooks record how large the activations are on
# the way forward, and how large the gradients are on the way back.
#
# **Before you run it:** PyTorch draws the weights uniformly between −1/√64 and 1/√64. Will the gradient at the first layer be
# about as large as at the last, much larger, or much smaller?

# %% predict
torch.manual_seed(0)
deep = nn.Sequential(*[nn.Sequential(nn.Linear(64, 64), nn.Tanh()) for _ in range(20)])
sizes, gradients = [], []
handles = []
for block in deep:
    handles.append(block.register_forward_hook(lambda module, inputs, output: sizes.append(output.std().item())))
    handles.append(block.register_full_backward_hook(lambda module, into, out: gradients.append(out[0].std().item())))
deep(torch.randn(256, 64, requires_grad=True)).pow(2).sum().backward()
for handle in handles:
    handle.remove()
gradients.reverse()  # now from layer 1 to layer 20
print(f"activations: {sizes[0]:.3f} after the first layer, {sizes[-1]:.3f} after the last")
print(f"gradients:   {gradients[0]:.1e} after the first layer, {gradients[-1]:.1e} after the last")

# %% predict folded label="Draw both by depth"
figure, axes = plot_axes(7.0, 2.7, columns=2)
for ax, values, title, role in [
    (axes[0], sizes, "activations", "output"),
    (axes[1], gradients, "gradients", "loss"),
]:
    ax.semilogy(range(1, 21), values, "o-", color=COLOURS[role], ms=4)
    ax.set(title=f"{title}: standard deviation", xlabel="layer", xticks=[1, 5, 10, 15, 20])
show(
    figure,
    alt="Two plots by layer, 1 to 20, on logarithmic axes. Left: the standard deviation of the activations falls in the first layers, then stays level. Right: that of "
    "the gradients is smallest at layer 1 and grows by several powers of ten towards layer 20.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# On its way back, the gradient shrinks by about the same factor, 0.6, in each layer, so almost nothing reaches the first ones: a
# **vanishing gradient**. The activations hardly show it: after the first few layers, the bias that each layer adds keeps them from
# shrinking any further. The next notebook chooses better initial weights, and measures this again.
#
# </details>
#
# ### Exercise: Record activations
#
# Write `record(net, x, names)`. It calls `net(x)` once and returns a dict with an entry for each of `names`: the **list** of that
# module's outputs, one for each of its calls, in order.
#
# - `names` is a list of different names, as in `net.named_modules()`, such as `"0"` or `"body.2"`; `""` is the net itself.
#   The output of every module is one tensor. The list of a module that is not called is empty.
# - Each recorded tensor holds the values that the module returned, even if a later module overwrites its input in place, as
#   `nn.ReLU(inplace=True)` does. It does not require a gradient.
# - Afterwards no hook of yours is left in the net, not even if `net(x)` raises an error. The error still reaches the caller. Hooks
#   that were there before stay.
# - `x` and the mode (`train` or `eval`) stay as they are.
#
# <details><summary>Hint 1: from a name to a module</summary>
#
# `net.get_submodule(name)`, or `dict(net.named_modules())[name]`.
#
# </details>
#
# <details><summary>Hint 2: one hook for each name</summary>
#
# Each hook has to know the name of its module: define it inside a function that takes the name, or give it a default argument,
# as above.
#
# </details>
#
# <details><summary>Hint 3: whatever happens</summary>
#
# `try: … finally: …` runs the second part even if the first one raises an error. And if a tensor may be overwritten later, store a
# copy: `output.detach().clone()`.
#
# </details>


# %% exercise="record" difficulty=2 minutes=12
def record(net: nn.Module, x: torch.Tensor, names: list[str]) -> dict[str, list[torch.Tensor]]:
    """The outputs of some modules of a net during one call.

    x: whatever net takes. names: names of modules. Returns: for each name, the outputs of that module, in order.
    """
    ### BEGIN SOLUTION
    outputs = {name: [] for name in names}
    handles = []

    def attach(name):
        def hook(module, inputs, output):
            outputs[name].append(output.detach().clone())

        handles.append(net.get_submodule(name).register_forward_hook(hook))

    try:
        for name in names:
            attach(name)
        net(x)
    finally:
        for handle in handles:
            handle.remove()
    return outputs
    ### END SOLUTION


# %% check="record" points=2
g = torch.Generator().manual_seed(116)


class Nosy(nn.Module):
    """Adds the number of hooks that it has, and 10 in eval mode; raises an error for negative sums."""

    error = IndexError

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        if x.sum() < 0:
            raise self.error("the sum is negative")
        return x + len(self._forward_hooks) + 10 * (not self.training)


class Twice(nn.Module):
    """Calls one part twice, and another one never."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        return self.body(self.body(x) - 1)


def told(found):
    """The number of tensors by name, or the value as it is."""
    lists = isinstance(found, dict) and all(type(one) is list for one in found.values())
    return {name: len(one) for name, one in found.items()} if lists else found


def examine(k, names):
    """Compare a record of Twice with what its parts compute one after another."""
    net = Twice()
    net.body[0] = nn.Linear(k, k)
    x = torch.randn(4, k, generator=g)
    with torch.no_grad():
        first = net.body[0](x)
        second = net.body[0](first.relu() - 1)
    wanted = {"body.0": [first, second], "body.1": [first.relu(), second.relu()], "unused": [], "": [second.relu()]}
    wanted["body"] = wanted["body.1"]
    wanted = {name: wanted[name] for name in names}
    before = x.clone()
    found = record(net, inplace(x), names)
    expect(x, before, "record leaves x as it was")
    title = f"record(net, x, {names}), where body is called twice and unused never"
    expect(
        told(found),
        {name: len(outputs) for name, outputs in wanted.items()},
        f"the number of outputs in {title}",
        mistakes={
            "Only one output of each is kept: append to a list.": {name: min(1, len(o)) for name, o in wanted.items()},
            "The net was called twice: call net(x) once.": {name: 2 * len(o) for name, o in wanted.items()},
            "The net's own hooks did not run: call net(x), not net.forward(x).": {
                name: len(o) * (name != "") for name, o in wanted.items()
            },
            "All the outputs are in the list of the last name: give each hook its own name.": {
                name: sum(map(len, wanted.values())) * (name == names[-1]) for name in names
            },
            "All your hooks use the last name: hand it over, name=name.": {names[-1]: sum(map(len, wanted.values()))},
            "There is no entry for a module that was not called.": {name: len(o) for name, o in wanted.items() if o},
        },
    )
    overwritten = dict(wanted)
    for name in {"body.0"} & set(names):
        overwritten[name] = wanted["body.1"]
    expect(
        found,
        wanted,
        f"the outputs in {title}",
        rtol=1e-4,
        atol=1e-5,
        mistakes={
            "These are the values after nn.ReLU(inplace=True) overwrote them: record a clone.": overwritten,
        },
    )
    require(
        not any(one.requires_grad for outputs in found.values() for one in outputs),
        "the outputs require no gradient",
        "Detach them.",
    )


examine(3, ["body.0", "body.1", "unused", ""])
examine(5, ["", "body"])
net = nn.Sequential(Nosy(), nn.Tanh(), Nosy())
x = torch.tensor([1.0, 2.0])
record(inplace(net), x, ["0", "2"])
expect([net[0].calls, net[2].calls], [1, 1], "how often a net is called by record")
without = torch.tensor([1.0, 2.0]).tanh()
expect(
    record(net, x, [""]),
    {"": [without]},
    "the output of a net whose parts add the number of their hooks, recorded after an earlier call of record",
    mistakes={
        "Hooks from an earlier call are still there: remove them.": {"": [torch.tensor([2.0, 3.0]).tanh() + 1]},
        "The net is in the wrong mode: leave it in the mode in which it was.": {
            "": [torch.tensor([11.0, 12.0]).tanh() + 10]
        },
    },
)
expect_error(
    IndexError,
    lambda: record(net, torch.tensor([-3.0]), ["0", "1"]),
    "an error in the net reaches the caller",
    "Do not catch it: try and finally need no except.",
)
expect(
    record(net, x, [""]),
    {"": [without]},
    "the same net after that error",
    mistakes={
        "A hook from the call that ended with an error is still there: use try and finally.": {
            "": [torch.tensor([2.0, 3.0]).tanh()]
        }
    },
)
net.eval()
answer = record(net, x, [""])
expect(answer, {"": [torch.tensor([11.0, 12.0]).tanh() + 10]}, "the same net after net.eval()", mistakes={
    "The mode has changed: leave it alone.": {"": [without]}})  # fmt: skip
net.train()
net[2].eval()
record(inplace(net), x, ["0", "2"])
expect(
    [net.training, net[0].training, net[2].training],
    [True, True, False],
    "the modes of a net in train mode, its first part in train and its last in eval mode, after record",
    mistakes={
        "A part may have another mode than the net: change none.": [True, True, True],
    },
)
expect(record(net, x, []), {}, "record(net, x, [])")


class Largest(nn.Module):
    """The positions of the largest values."""

    def forward(self, x):
        return x.argmax(-1)


expect(
    record(nn.Sequential(nn.Tanh(), Largest()), x.double()[None], ["0", "1"]),
    {"0": [x.double().tanh()[None]], "1": [torch.tensor([1])]},
    "record for a net with float64 and int64 outputs, for a single row",
)
times = nn.Sequential(nn.Tanh())
times[0].register_forward_hook(lambda module, inputs, output: output * 100)
expect(
    [record(times, x, ["0"])["0"][0] > 2, record(times, x, [""])],
    [torch.tensor([True, True]), {"": [100 * x.tanh()]}],
    "two calls of record for a net with a hook of its own, which multiplies by 100",
    mistakes={
        "Its own hook is gone: remove only yours, with handle.remove().": [torch.tensor([True, True]), {"": [x.tanh()]}]
    },
)
### BEGIN HIDDEN TESTS
examine(4, ["unused", "body.1", "body", "body.0"])
Nosy.error = ValueError
net = nn.Sequential(Nosy(), nn.Sequential(Nosy(), nn.Tanh()))
record(net, x, ["0", "1", "1.0", ""])
expect(record(net, x, ["1.1"]), {"1.1": [x.tanh()]}, "a nested net, after another call")
expect_error(ValueError, lambda: record(net, -x, ["0", "1.0"]), "an error in the net reaches the caller")
expect(record(net, x, ["1.1"]), {"1.1": [x.tanh()]}, "the nested net after that error")
### END HIDDEN TESTS

# %% [markdown]
# ### The share of each use
#
# The weight of a shared layer gets one gradient, the sum over its uses. With hooks you can take the sum apart again, for any
# network and without touching its code. For one call of a linear layer you know the rule from `04_linear`: with the input $x$ of
# the call and the gradient of the loss with respect to its output $s$, $\partial L / \partial s$,
#
# $$\frac{\partial L}{\partial w} = \left(\frac{\partial L}{\partial s}\right)^{T} x .$$
#
# A forward hook sees the input. The gradient of the output arrives later, in the backward pass. A tensor can have a hook, too:
# after `tensor.register_hook(f)`, autograd calls `f(gradient)` once the tensor's gradient has been computed. Or ask the tensor
# to keep its gradient:

# %%
a = torch.tensor([1.0, 2.0], requires_grad=True)
b = a * 3  # not a leaf: autograd computes its gradient, but does not keep it
b.retain_grad()
(b**2).sum().backward()
print("b.grad:", b.grad.tolist())

# %% [markdown]
# ### Exercise: One gradient for each use
#
# Write `gradients_by_use(net, name, x)`. `name` is the name of an `nn.Linear` in `net`. During `net(x)`, this layer is called once
# or several times. Let the loss be the sum of all values of `net(x)`. Return a **list** with one tensor for each call of the layer, in the
# order of the calls: the part of the weight's gradient that comes through this call, in the weight's shape.
#
# - The inputs of the layer have the shape $N \times C$, where $N$ may differ from call to call. Every call affects the loss, and no module
#   overwrites the layer's output in place. All parameters are trainable, and `x` is left as it was.
# - The tensors in the list add up to the gradient of the weight and have its dtype. They do not require a gradient.
# - `net` is called once. Its output may have any shape. Its mode (`train` or `eval`) stays as it is. Afterwards no hook of yours is left in it, and
#   the `grad` of each parameter is `None`, as it was before.
#
# <details><summary>Hint 1: two records</summary>
#
# In a forward hook, store the input, detached, and the output itself. If you call `retain_grad()` on the output, its `grad` is
# there after `backward()`.
#
# </details>
#
# <details><summary>Hint 2: put them together</summary>
#
# For each pair, the formula above: one transposed matrix product.
#
# </details>
#
# <details><summary>Hint 3: clean up</summary>
#
# `handle.remove()` for the hook, and `net.zero_grad()` for the gradients: it sets them to `None`.
#
# </details>


# %% exercise="gradients_by_use" difficulty=3 minutes=15
def gradients_by_use(net: nn.Module, name: str, x: torch.Tensor) -> list[torch.Tensor]:
    """The gradient of net(x).sum() for the weight of a linear layer, separately for each call of the layer.

    name: the layer's name in net. x: whatever net takes. Returns: one tensor of the weight's shape for each call.
    """
    ### BEGIN SOLUTION
    calls = []

    def hook(layer, inputs, output):
        output.retain_grad()
        calls.append((inputs[0].detach().clone(), output))

    handle = net.get_submodule(name).register_forward_hook(hook)
    try:
        net(x).sum().backward()
    finally:
        handle.remove()
    net.zero_grad()
    return [output.grad.t() @ given for given, output in calls]
    ### END SOLUTION


# %% check="gradients_by_use" points=3
import copy

g = torch.Generator().manual_seed(117)


class Loop(nn.Module):
    """Calls one layer several times, with a tanh in between."""

    def __init__(self, features, turns, bias=True):
        super().__init__()
        self.turns, self.calls = turns, 0
        self.body = nn.ModuleDict(
            {"first": nn.Linear(features, features), "again": nn.Linear(features, features, bias)}
        )
        self.head = nn.Linear(features, 2)

    def middle(self, h, again):
        """What comes between the first layer and the head, with `again` as the layer that is called several times."""
        for _ in range(self.turns):
            h = torch.tanh(again(h))
        return h

    def forward(self, x):
        self.calls += 1
        return self.head(self.middle(self.body["first"](x), self.body["again"]))


class Branches(Loop):
    """Calls one layer on two inputs of different length, and multiplies what comes out."""

    def middle(self, h, again):
        return again(h).pow(2) * again(h[:2]).sum(0)


class Gate(Loop):
    """Calls one layer twice on the very same tensor, with a batch norm after it; returns three dimensions."""

    def __init__(self, features):
        super().__init__(features, 2)
        self.norm = nn.BatchNorm1d(features)

    def middle(self, h, again):
        return torch.tanh(self.norm(again(h) * torch.sigmoid(again(h))))

    def forward(self, x):
        return super().forward(x)[:, None]


class Total(Loop):
    """Returns a single number, a 0-d tensor."""

    def forward(self, x):
        return super().forward(x).sum()


def wanted_gradients(net, x, uses):
    """The gradients when each use has a layer of its own with the same numbers, and what a wrong pairing leads to."""
    layers = [copy.deepcopy(net.body["again"]) for _ in range(uses)]
    inputs, outputs = [], []

    def again(h):
        inputs.append(h)
        outputs.append(layers[len(outputs)](h))
        return outputs[-1]

    loss = net.head(net.middle(net.body["first"](x), again)).sum()
    weights = [layer.weight for layer in layers]
    arrived = torch.autograd.grad(loss, outputs, retain_graph=True)
    wanted = list(torch.autograd.grad(loss, weights))
    if len({len(one) for one in arrived}) > 1 or len({id(h) for h in inputs}) < uses:
        return wanted, None
    crossed = zip(weights, inputs, arrived[::-1])
    return wanted, [torch.autograd.grad(F.linear(h.detach(), w), w, gradient)[0] for w, h, gradient in crossed]


def examine(net, n, uses, title):
    features = net.head.in_features
    x = torch.randn(features, n, generator=g).t().to(net.head.weight.dtype)
    (wanted, crossed), before = wanted_gradients(net, x, uses), x.clone()
    elsewhere, _ = wanted_gradients(copy.deepcopy(net).train(not net.training), x, uses)
    total, mode = sum(wanted), net.training
    net.calls = 0
    found = gradients_by_use(inplace(net), "body.again", inplace(x))
    expect(x, before, f"{title}: x is left as it was")
    expect(net.calls, 1, f"{title}: how often the net is called")
    mistakes = {}
    if uses > 1:
        mistakes = {
            "They are in reverse order, as the backward pass reaches the calls.": wanted[::-1],
            "Each is the whole gradient: take the part of this call.": [total] * uses,
            "These are equal parts of the whole gradient: each call has a part of its own.": [total / uses] * uses,
            "This is one gradient, the sum: return a list with one tensor for each call.": total,
            "This is the whole gradient in a list: one tensor for each call was asked for.": [total],
            "These are running totals: each entry is the part of one call.": [
                sum(wanted[: i + 1]) for i in range(uses)
            ],
            "They are transposed: the weight's shape is (out, in).": [one.t() for one in wanted],
            "They are divided by the number of samples: the loss is the sum.": [one / n for one in wanted],
            "They are in a tuple: a list was asked for.": tuple(wanted),
            "They are stacked in one tensor: a list was asked for.": torch.stack(wanted),
            "These belong to the mean of net(x): the loss is the sum.": [one / (2 * n) for one in wanted],
        }
    if crossed is not None and uses > 1:
        mistakes["Inputs and gradients are paired wrongly: the gradients arrive in reverse order."] = crossed
    if isinstance(net, Gate):
        mistakes["These belong to net in the other mode: leave its mode alone."] = elsewhere
    expect(found, wanted, f"{title}: the gradients", rtol=1e-3, atol=1e-5, mistakes=mistakes)
    require(not any(one.requires_grad for one in found), f"{title}: they require no gradient", "Detach them.")
    left = [name for name, parameter in net.named_parameters() if parameter.grad is not None]
    require(
        not left or any(parameter.grad.any() for parameter in net.parameters() if parameter.grad is not None),
        f"{title}: the grad of each parameter is None",
        "The gradients are zeros, not None: call net.zero_grad() without set_to_none=False.",
    )
    require(not left, f"{title}: the grad of each parameter is None", "Gradients are left: call net.zero_grad().")
    require(
        net.training == mode, f"{title}: the mode stays as it is", "net is in the other mode now: leave its mode alone."
    )


net = Loop(3, 3)
examine(net, 4, 3, "a layer that is called 3 times")
net.turns = 2
examine(net, 5, 2, "the same net with 2 calls")
examine(Loop(4, 1, bias=False), 1, 1, "one call, without a bias, one sample")
examine(Branches(3, 2), 6, 2, "two branches, one with 6 rows and one with 2")
examine(Gate(3), 8, 2, "two calls on the same tensor, then a batch norm in train mode, an output of 3 dimensions")
examine(Gate(3).eval(), 8, 2, "the same in eval mode")
examine(Total(3, 2), 4, 2, "two calls, and an output of 0 dimensions")
examine(Loop(3, 2).double(), 4, 2, "two calls, in float64")


class HookCount(nn.Linear):
    """A linear layer that multiplies its output by 1 more than the number of its hooks."""

    def forward(self, x):
        hooks = len(self._forward_hooks) + len(self._backward_hooks) + len(self._forward_pre_hooks)
        return super().forward(x) * (1 + hooks)


net = nn.Sequential(HookCount(2, 2, bias=False), nn.Linear(2, 2, bias=False))
for part in net:
    part.load_state_dict({"weight": torch.eye(2)})
pair = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
gradients_by_use(net, "0", pair)
expect(
    gradients_by_use(net, "1", pair),
    [torch.tensor([[4.0, 6.0], [4.0, 6.0]])],
    "gradients_by_use for layer 1 of a net whose layer 0 multiplies by 1 + the number of hooks left in it",
    mistakes={"A hook from an earlier call is still there: remove it.": [torch.tensor([[8.0, 12.0], [8.0, 12.0]])]},
)
### BEGIN HIDDEN TESTS
examine(Loop(5, 4), 3, 4, "a layer that is called 4 times")
examine(Branches(4, 2, bias=False), 3, 2, "two branches, one with 3 rows and one with 2")
examine(Loop(2, 2), 7, 2, "a layer that is called twice")
examine(Gate(4).double(), 9, 2, "two calls on the same tensor, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## Your building blocks read digits
#
# Now put it all together: a network built with your `MySequential`, with your `Standardize` as its first part, is trained on 300 digits
# and tested on the others. Then a new net loads its `state_dict`, and your `record` looks inside.


# %% folded label="Stand-ins for what you have not solved yet"
class OurStandardize(nn.Module):
    """A batch normalisation with fixed numbers does the same."""

    def __init__(self, features):
        super().__init__()
        self.norm = nn.BatchNorm1d(features, eps=1e-3, affine=False, momentum=None)

    def fit(self, x):
        self.norm.train()
        self.norm.reset_running_stats()
        self.norm(x)
        return self

    def forward(self, x):
        return F.batch_norm(x, self.norm.running_mean, self.norm.running_var, eps=self.norm.eps)


def our_record(net, x, names):
    """Runs the parts one by one; enough for a plain chain."""
    outputs = {}
    for name, part in net.named_children():
        x = part(x)
        outputs[name] = [x.detach()]
    return {name: outputs[name] for name in names}


# %% yours varies
scaler = yours_or_ours(Standardize, OurStandardize, 64, call=(torch.ones(2, 64),), random=True)

digits, labels = load_digits()
flat = digits.flatten(1)


def make_reader():
    return chain(
        scaler(64), nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


torch.manual_seed(0)
reader = make_reader()
next(reader.children()).fit(flat[:300])
optimizer = torch.optim.Adam(reader.parameters(), lr=0.01)
for _ in range(60):
    optimizer.zero_grad()
    F.cross_entropy(reader(flat[:300]), labels[:300]).backward()
    optimizer.step()

reader.eval()
again = make_reader()
again.load_state_dict(reader.state_dict())
again.eval()
answers = reader(flat[300:]).argmax(1)
print(f"{(answers == labels[300:]).float().mean():.0%} of {len(answers)} new digits are read correctly")
print("a new net gives the same answers after load_state_dict:", torch.equal(again(flat[300:]).argmax(1), answers))
print(
    "saved beside the parameters:",
    [name for name in reader.state_dict() if name not in dict(reader.named_parameters())],
)

# %% [markdown]
# Without the buffers, the new net would not give the same answers. Now look at what the eight kernels make of one digit:

# %% yours varies folded label="Draw what the network sees in one digit"
example = chain(nn.Linear(3, 2), nn.ReLU()), torch.ones(1, 3), ["0", "1"]
look = yours_or_ours(record, our_record, *example, random=True)
inside = look(reader, flat[300:301], ["3"])["3"][0][0]
draw_images(
    [digits[300], *inside],
    [f"a {labels[300]}", *(f"kernel {i}" for i in range(len(inside)))],
    columns=3,
    alt="A digit of 8×8 pixels and the eight activation maps that the network computes from it after the ReLU. Each kernel reacts to different edges of the digit.",
)

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. What happens at <code>self.fc = nn.Linear(3, 2)</code>, and what at <code>self.shift = torch.zeros(2)</code>? How
# would you have <code>shift</code> saved, but not trained?</summary>
#
# `__setattr__` puts the layer into `_modules`, where `parameters()`, `state_dict()` and `to()` find it. The plain tensor goes into
# the ordinary dictionary, where none of them look. `self.register_buffer("shift", torch.zeros(2))` makes it a buffer.
#
# </details>
#
# <details><summary>2. An MLP has two linear layers. What do <code>named_parameters()</code> and
# <code>named_parameters(recurse=False)</code> list?</summary>
#
# The first: weight and bias of the first layer, then of the second, each with the layer's name and a dot in front. The second: nothing,
# because the MLP itself owns no parameter.
#
# </details>
#
# <details><summary>3. How do you find out how large the gradient is after the third block of a network that you did not write?</summary>
#
# `handle = net.get_submodule(name).register_full_backward_hook(hook)`: in the backward pass, `grad_output[0]` is the gradient of the
# block's output. Afterwards, `handle.remove()`.
#
# </details>
#
# **Next**: `12_parameters_and_initialization`, the parameters themselves. How do you reach each of them, which values should they start from, and why did the gradient
# vanish above?
