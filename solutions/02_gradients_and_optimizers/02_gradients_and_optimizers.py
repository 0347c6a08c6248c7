# %% [markdown]
# # Gradients and optimizers
#
# A network learns by walking downhill: it asks in which direction its error falls, takes a step, and asks again. This notebook shows where
# the direction comes from and how to choose the step.
#
# After this notebook you can
#
# - measure a slope with two function calls, and let autograd compute it exactly;
# - say what a leaf is, and what `backward`, `detach` and `no_grad` do to the graph and to `grad`;
# - write steepest descent with a line search, in PyTorch;
# - use `torch.optim`, and write SGD with momentum, RMSProp and Adam yourself, with the same numbers as `torch.optim`;
# - recognise a learning rate that is too large, and a valley in which plain gradient descent crawls.
#
# **Points**: 18. **Time**: about 50 minutes of reading and 70 minutes for the 8 exercises. **You need**: from `01_tensors` shapes, dtypes
# and which tensors share memory; functions that take functions; and what a derivative is.
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## A slope from two points
#
# Here is a landscape with two coordinates ($x_1$ and $x_2$, in the code `x[0]` and `x[1]`): a long valley with its lowest point at (0, 0).
#
# $$f(x) = \tfrac12 \left( x_1^2 + 20\, x_2^2 \right).$$
#
# The **gradient** $\nabla f$ collects the slopes along the coordinates. For this function we can compute it on paper. It points uphill, and
# it is longer where the ground is steeper:
#
# $$\nabla f(x) = \begin{pmatrix} x_1 \\ 20\, x_2 \end{pmatrix}.$$


# %%
def valley(x):
    """½ (x₁² + 20 x₂²), for a NumPy array or a tensor of two numbers."""
    return (x[0] ** 2 + 20 * x[1] ** 2) / 2


def valley_gradient(x):
    """Its gradient, worked out on paper."""
    return np.array([x[0], 20 * x[1]])


start = np.array([-8.0, 1.5])
print("f =", valley(start), "  gradient =", valley_gradient(start))


# %% folded label="Draw the valley and its gradient at three points"
def contours_of(ax, f, xlim, ylim):
    """Contour lines of f, closer together towards the bottom."""
    across, up = torch.meshgrid(torch.linspace(*xlim, 161), torch.linspace(*ylim, 121), indexing="xy")
    heights = f(torch.stack([across, up]))
    levels = float(heights.max()) * torch.linspace(0.04, 1, 11) ** 2
    ax.contour(across, up, heights, levels=levels, colors="#9AA0A8", linewidths=0.9)
    ax.plot(0, 0, "+", color=INK, markersize=11, markeredgewidth=2)
    ax.set(xlim=xlim, ylim=ylim, xlabel="$x_1$", ylabel="$x_2$")


figure, ax = plt.subplots(figsize=(6.4, 2.9), layout="constrained")
contours_of(ax, valley, (-9, 3), (-2.4, 2.6))
ax.set_aspect("equal")
for point in ([-8.0, 1.0], [-4.5, -0.6], [-6.0, 0.0]):
    along = valley_gradient(np.array(point)) / 15
    style = {"arrowstyle": "-|>", "color": COLOURS["loss"], "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", point + along, point, arrowprops=style)
    ax.plot(*point, "o", color=INK, markersize=6)
show(
    figure,
    alt="Contour lines of the valley: flat ellipses around the lowest point, long in the direction of x1. At three points red arrows show the gradient, "
    "scaled down. On the slopes the arrows are long and nearly at right angles to the valley; on the valley floor the arrow is short and points along it, "
    "away from the lowest point.",
)

# %% [markdown]
# The red arrows are the gradients, scaled down. Each is at right angles to the contour line through its point. The way down is opposite
# to the arrow. On the slopes, even that does not lead to the lowest point, the cross; only on the valley floor does it.
#
# If we could not differentiate $f$, we could still *measure* a slope: take a small step $h$ and see how much the function changes. There
# are two ways:
#
# $$\text{forward:}\quad \frac{f(x + h) - f(x)}{h} \qquad\qquad \text{central:}\quad \frac{f(x + h) - f(x - h)}{2h}.$$
#
# **Before you run it:** we measure the slope of $\sin$ at 1 in both ways, with $h = 10^{-1}, 10^{-2}, \dots, 10^{-15}$, in float64 (16
# digits). Which way is more precise? And which $h$ is the best: the smallest?

# %% predict
exact = math.cos(1.0)
steps = [10.0**-k for k in range(1, 16)]
forward = [abs((math.sin(1 + h) - math.sin(1)) / h - exact) for h in steps]
central = [abs((math.sin(1 + h) - math.sin(1 - h)) / (2 * h) - exact) for h in steps]
print("     h   error, forward   error, central")
for h, one, two in zip(steps, forward, central):
    print(f"{h:.0e} {one:16.1e} {two:16.1e}")

# %% predict folded label="Draw both errors"
figure, ax = plot_axes(6.0, 3.2)
ax.loglog(steps, forward, "s--", color=INK, label="forward")
ax.loglog(steps, central, "o-", color=COLOURS["loss"], label="central")
ax.set(xlabel="h", ylabel="error of the slope")
ax.legend(frameon=False)
show(
    figure,
    alt="Error of the measured slope against h on logarithmic axes. Both curves are V-shaped. The forward error is smallest at about 1e-8, the central "
    "error is far smaller and has its minimum at about 1e-5. For smaller h, both grow again.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Two errors compete. A large $h$ measures the slope of a chord instead of a tangent: that error shrinks like $h$ for the forward difference
# and like $h^2$ for the central one, because the bend changes $f(x + h)$ and $f(x - h)$ by the same amount, which cancels. A small $h$
# subtracts two numbers that agree in nearly all of their 16 digits. What is left is mostly rounding error, and it is divided by the tiny
# $h$. The best compromise is about $10^{-8}$ for the forward difference, and about $10^{-5}$ for the central one.
#
# </details>
#
# ### Exercise: A numerical gradient
#
# Write `numerical_gradient(f, x, h)`: the gradient of `f` at `x`, measured with **central** differences, one coordinate at a time.
#
# - `x` is a float64 tensor with any number of dimensions, even 0-d. It does not require a gradient. It need not be contiguous; it may
#   even be an expanded tensor, whose places share memory.
# - `f` takes a float64 tensor of the shape of `x` and returns a 0-d tensor, which may be a view of the one that it got. Inside, `f` may do
#   anything: use `x` itself, for example, or take numbers out with `.item()`.
# - The result is a new float64 tensor of the shape of `x`: in each place, the central difference for that coordinate, with exactly the
#   given `h`. The other coordinates keep the values that they have in `x`.
# - `x` is left as it was.
#
# <details><summary>Hint 1: one coordinate</summary>
#
# To move one coordinate, make a copy of `x` and change one number in the copy: `moved = x.clone()`. A fresh copy for each measurement is
# the safest.
#
# </details>
#
# <details><summary>Hint 2: every coordinate, whatever the shape</summary>
#
# `np.ndindex(*x.shape)` runs through all index tuples, `(0, 0)`, `(0, 1)`, …; `moved[index] += h` changes that one number. (For a 0-d
# tensor there is one index, the empty tuple.)
#
# </details>


# %% exercise="numerical_gradient" difficulty=1 minutes=8
def numerical_gradient(f, x: torch.Tensor, h: float = 1e-5) -> torch.Tensor:
    """The gradient of f at x by central differences.

    Args:
        f: takes a tensor of the shape of x, returns a 0-d tensor.
        x: float64, any shape.
        h: how far each coordinate moves, both ways.

    Returns:
        A new float64 tensor of the shape of x.
    """
    ### BEGIN SOLUTION
    gradient = torch.zeros(x.shape, dtype=torch.float64)
    for index in np.ndindex(*x.shape):
        right, left = x.clone(), x.clone()
        right[index] += h
        left[index] -= h
        gradient[index] = (f(right) - f(left)) / (2 * h)
    return gradient
    ### END SOLUTION


# %% check="numerical_gradient" points=2
def cubic(c):
    """Σ c z³ + (Σ z)². What differences of it give is known exactly."""

    def f(z):
        if z.shape != c.shape:
            raise ValueError(f"f takes a tensor of shape {tuple(c.shape)}, not {tuple(z.shape)}")
        return (c * z**3).sum() + z.sum() ** 2

    return f


def known(c, x, h):
    """The exact gradient; what h adds to it in a central and in a one-sided difference."""
    return 3 * c * x**2 + 2 * x.sum(), c * h**2, h * (3 * c * x + 1)


x = torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.25, -1.0]], dtype=torch.float64)
c = torch.tensor([[1.0, 2.0, -1.0], [0.5, -3.0, 4.0]], dtype=torch.float64)
before, h = x.clone(), 0.25
exact, both, one = known(c, before, h)
answer = numerical_gradient(cubic(c), inplace(x), h)
expect(
    x,
    before,
    "numerical_gradient(f, x, 0.25) leaves x as it was",
    mistakes={
        "Each number was moved up, and not back: move the numbers of a copy.": before + 0.25,
        "Each number was moved down, and not back: move the numbers of a copy.": before - 0.25,
    },
    rtol=0,
    atol=0,
)
expect(
    answer,
    exact + both,
    "numerical_gradient(f, x, 0.25) for a cubic f and x of shape (2, 3)",
    mistakes={
        "That is the forward difference: go to both sides of x.": exact + both + one,
        "That is the backward difference: go to both sides of x.": exact + both - one,
        "You divided by h: the two points are 2h apart.": 2 * (exact + both),
        "The sign is wrong: subtract the value on the left from the value on the right.": -(exact + both),
        "You did not divide by 2h.": (exact + both) / 2,
        "You moved all coordinates at once: move one, and leave the others where they are.": (
            (exact + both).sum().expand(2, 3).clone()
        ),
        "That is the exact derivative, or a measurement with another, tiny h: use the given h.": exact,
        "You moved each coordinate by h/2: move it by h.": exact + both / 4,
        "All differences are 0: `moved = x` is only a second name for x. Make a copy, x.clone().": torch.zeros_like(
            exact
        ),
        "You moved a whole row at once: move one number at a time, for index in np.ndindex(*x.shape).": (
            (exact + both).sum(1, keepdim=True).expand(2, 3).clone()
        ),
        "You multiplied by h: write / (2 * h), with brackets.": (exact + both) * h**2,
        "Each number stayed where it had been moved to: make a fresh copy for each measurement.": (
            (exact + both).flatten().cumsum(0).reshape(2, 3)
        ),
    },
)
steep = torch.tensor([2.0, -1.0], dtype=torch.float64)
exact, both, one = known(steep, torch.zeros(2, dtype=torch.float64), 0.1)
expect(
    numerical_gradient(cubic(steep), torch.zeros(2, dtype=torch.float64), 0.1),
    both,
    "numerical_gradient(f, x, 0.1) where the slope is 0",
)
expect(
    numerical_gradient(lambda z: z.abs().sum(), torch.tensor([0.05, -3.0], dtype=torch.float64), 0.1),
    torch.tensor([0.5, -1.0], dtype=torch.float64),
    "numerical_gradient(f, x, 0.1) for f = Σ|x|, close to its kink",
)


def same_memory(one, other):
    return one is other or one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def try_many(seed):
    g = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(shape, generator=g, dtype=torch.float64)

    cases = {
        "shape (5,)": draw(5),
        "shape (1,)": draw(1),
        "no dimensions": draw(),
        "shape (2, 2, 3)": draw(2, 2, 3),
        "shape (3, 2), transposed": draw(2, 3).t(),
        "shape (4,), every second number of a larger one": draw(8)[::2],
        "shape (2, 3), one row expanded": draw(1, 3).expand(2, 3),
        "equal numbers": torch.full((3,), 0.7, dtype=torch.float64),
    }
    befores = {what: x.clone() for what, x in cases.items()}
    answers, wanted = {}, {}
    for number, (what, x) in enumerate(cases.items()):
        h, c = (0.25, 1e-3, 0.5)[number % 3], draw(*x.shape)
        exact, both, _ = known(c, befores[what], h)
        wanted[what] = exact + both
        answers[what] = numerical_gradient(cubic(c), inplace(x), h)
    expect(cases, befores, f"x is left as it was: {len(cases)} tensors of many shapes and layouts", rtol=0, atol=0)
    what = "shape (2, 3), one row expanded"
    expect(
        answers,
        wanted,
        "numerical_gradient(f, x, h) for each of them",
        mistakes={
            "You write into x, where several places may share one number in memory: moving one moves them all. "
            "Change a copy: x.clone().": wanted | {what: wanted[what].sum(0).expand(2, 3).clone()},
        },
        rtol=1e-7,
        atol=1e-8,
    )
    shared = [what for what, x in cases.items() if same_memory(x, answers[what])]
    require(shared == [], "each result is a new tensor", f"It shares memory with x, for {'; '.join(shared[:1])}.")
    x = draw(3)
    sines = numerical_gradient(lambda z: torch.tensor(sum(math.sin(one.item()) for one in z), dtype=z.dtype), x)
    expect(sines, x.cos(), "the default h, for an f that takes the numbers out of its tensor", rtol=0, atol=1e-8)
    x = draw(2, 2)
    expect(
        numerical_gradient(lambda z: (z * x).sum(), x),
        x.clone(),
        "numerical_gradient(f, x) for an f that uses x itself",
        mistakes={"You moved x itself, which f uses, too: move the numbers of a copy, x.clone().": 2 * x},
        rtol=0,
        atol=1e-8,
    )
    expect(
        numerical_gradient(lambda z: z[1], draw(3)),
        torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64),
        "numerical_gradient(f, x) for f = x[1], which returns a view of its argument",
        mistakes={
            "All differences are 0: what f returned was a view of your copy, which you changed before you subtracted. "
            "Make a fresh copy for each measurement.": torch.zeros(3, dtype=torch.float64),
        },
    )
    first = answers["shape (5,)"]
    expect(first, wanted["shape (5,)"], "later calls leave earlier results alone", rtol=1e-7, atol=1e-8)


try_many(21)
### BEGIN HIDDEN TESTS
try_many(31)
### END HIDDEN TESTS

# %% [markdown]
# ## The gradient from the graph
#
# Two calls for each coordinate: for a network with a million numbers, that is two million calls for one gradient. **Autograd** needs one
# call and one pass back. While PyTorch computes, in the **forward pass**, it records every operation on tensors that require a gradient. The
# record is called the **graph**. `backward()` starts the **backward pass**: it goes through the graph in reverse and applies the chain rule.
#
# Take a model with two numbers, $w$ and $b$, an input $x$ and a target $y$. The loss $L$ says how far its output $s$ is from the target:
#
# $$s = w\,x + b, \qquad L = (s - y)^2.$$

# %%
x, y = torch.tensor(3.0), torch.tensor(2.0)
w = torch.tensor(0.5, requires_grad=True)
b = torch.tensor(1.0, requires_grad=True)

s = w * x + b
L = (s - y) ** 2
print("s =", s)
print("L =", L)

# %% [markdown]
# `s` and `L` remember where they come from: their `grad_fn` is the operation that made them. From there, `next_functions` leads on to the
# operations before it. The next cell follows these links from `L` and draws what it finds.


# %% folded label="Draw the graph of L"
def red_arrow(ax, start, end):
    style = {"arrowstyle": "-|>", "color": COLOURS["loss"], "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", end, start, arrowprops=style)


def draw_graph(result, leaves, alt):
    """The graph behind a tensor, found through grad_fn and next_functions; the result is at the top."""
    level, edges = {}, []

    def visit(node, depth):
        level[node] = max(depth, level.get(node, 0))
        for before, _ in node.next_functions:
            if before is not None:
                edges.append((node, before))
                visit(before, depth + 1)

    visit(result.grad_fn, 0)
    deepest = max(level.values())
    names = {id(leaf): name for name, leaf in leaves.items()}
    rows = [[node for node in level if level[node] == depth] for depth in range(deepest + 1)]
    at = {}
    for depth, row in enumerate(rows):
        for k, node in enumerate(row):
            above = [at[one][0] for one, before in edges if before is node and one in at]
            middle = sum(above) / len(above) if len(row) == 1 and above else 0
            at[node] = (middle + 2.6 * (k - (len(row) - 1) / 2), -1.25 * depth)
    figure, ax = plt.subplots(figsize=(5.0, 0.95 * (deepest + 1.2)), layout="constrained")
    for node, before in edges:
        (x0, y0), (x1, y1) = at[node], at[before]
        high = 0.38 if hasattr(before, "variable") else 0.24
        red_arrow(ax, (x0 + (x1 - x0) * 0.12, y0 - 0.22), (x1 - (x1 - x0) * 0.05, y1 + high))
    for node, (x0, y0) in at.items():
        leaf = hasattr(node, "variable")
        text = f"{names.get(id(node.variable), 'leaf')}\nAccumulateGrad" if leaf else node.name()
        colour = COLOURS["learned" if leaf else "plain"]
        box = {"facecolor": (colour, 0.25), "edgecolor": colour, "linewidth": 2, "boxstyle": "round,pad=0.35"}
        ax.text(x0, y0, text, ha="center", va="center", fontsize=11, color=INK, bbox=box)
    red_arrow(ax, (0, 0.8), (0, 0.24))
    ax.text(0, 0.9, "L.backward() starts here", ha="center", va="bottom", fontsize=11, color=COLOURS["loss"])
    ax.set(xlim=(-3.4, 3.4), ylim=(-1.25 * deepest - 0.6, 1.3))
    ax.axis("off")
    show(figure, alt)


draw_graph(
    L,
    {"w": w, "b": b},
    alt="The graph of L, from top to bottom: L.backward() starts at PowBackward0, which leads to SubBackward0, then AddBackward0. From there one arrow leads "
    "to MulBackward0 and on to the leaf w, another to the leaf b. Both leaves are marked AccumulateGrad. x and y do not appear.",
)

# %% [markdown]
# Read it from the top: the square, the difference, the sum, the product. `x` and `y` are missing: they do not require a gradient, so no
# path leads to them. At the end of each path is a **leaf**: a tensor that no recorded operation has produced. You made it yourself.
#
# **Before you run it:** `L.backward()` computes derivatives of `L`. Which of the tensors `x`, `y`, `w`, `b`, `s` and `L` have a `grad`
# afterwards, and what are the numbers? (Chain rule: $\partial L/\partial s = 2\,(s - y)$.)

# %% predict
L.backward()
print("   leaf   requires_grad  grad")
for name, tensor in {"x": x, "y": y, "w": w, "b": b, "s": s, "L": L}.items():
    grad = tensor.grad if tensor.is_leaf else None  # asking others gives None, and a warning
    print(f"{name}  {tensor.is_leaf!s:6} {tensor.requires_grad!s:14} {grad}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# $s = 2.5$, so $\partial L/\partial s = 2 \cdot 0.5 = 1$. Then $\partial L/\partial w = 1 \cdot x = 3$ and $\partial L/\partial b = 1$.
# Only `w` and `b` have a `grad`: they are leaves *and* require a gradient. `x` and `y` are leaves too, but nobody asked for their
# gradients. For `s` and `L`, which are in the middle, the gradients are used on the way and dropped. (`s.retain_grad()`, called before
# `backward()`, would keep that of `s`.)
#
# </details>
#
# ### backward, three times
#
# **Before you run it:** three times in a row, the next cell computes $L$ anew and calls `backward()`. What is `w.grad` after each time?

# %% predict
w.grad = None
for _ in range(3):
    L = (w * x + b - y) ** 2
    L.backward()
    print("w.grad =", w.grad.item())

# %% [markdown]
# <details><summary>Why?</summary>
#
# `backward` **adds** to what is in `grad`. That is what the name `AccumulateGrad` says. It is useful when a loss comes in several parts, or
# when a tensor is used in several places. In a training loop it means that you must clear the gradients yourself before each `backward()`:
# `w.grad = None`, or, once you have an optimizer (below), `optimizer.zero_grad()` for all its tensors at once.
#
# </details>
#
# ### What backward frees
#
# To differentiate $w^2$, the backward pass needs the value of $w$, so the forward pass keeps it in the graph. `backward()` frees these
# values as it goes, because they take most of the memory used in training.
#
# **Before you run it:** we call `backward()` twice on the same result, for three functions of `w`. For which of them does the second
# call work?

# %% predict
functions = {"w * w": lambda: w * w, "3 * w": lambda: 3 * w, "w + 3": lambda: w + 3}
for name, function in functions.items():
    result = function()
    result.backward()
    try:
        result.backward()
        print(f"{name}: works")
    except RuntimeError as error:
        print(f"{name}: {str(error).partition(' (')[0]}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The derivative of `w * w` needs `w`, and that of `3 * w` needs the 3: both values were kept, and freed by the first call. The derivative
# of `w + 3` is 1. It needs no values, so nothing was freed, and the second call works. If you really need to go back twice, call
# `backward(retain_graph=True)` the first time. Usually the error has another cause: a part of the graph was computed *once, before the
# loop*, and is used in every round.
#
# </details>
#
# ### Stepping out of the graph
#
# There are two ways to compute without a record. `with torch.no_grad():` records nothing inside the block. `t.detach()` gives you a tensor
# with the same values, in the same memory, that is not part of the graph.
#
# **Before you run it:** $u = 3$. What is the derivative of `u * u`, of `u * u.detach()`, and of `u.detach() * u.detach()`, according to
# autograd?

# %% predict
u = torch.tensor(3.0, requires_grad=True)
for name, result in {
    "u * u": u * u,
    "u * u.detach()": u * u.detach(),
    "u.detach() * u.detach()": u.detach() * u.detach(),
}.items():
    u.grad = None
    if result.requires_grad:
        result.backward()
    print(f"{name:24} value {result.item():.0f}, requires_grad {result.requires_grad!s:5}, derivative {u.grad}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The values agree, the graphs do not. To autograd, `u.detach()` is a constant: in the second product one factor counts as the constant 3,
# so the derivative is 3, not 6. The third product has no graph at all: `backward()` on it would raise an error.
#
# </details>
#
# One main use of `no_grad` is the step downhill; the other is evaluating a trained network. A leaf that requires a gradient may not be
# changed in place while autograd is recording: the graph may still need the old value, and the changed tensor would no longer be a leaf.

# %%
try:
    u -= 0.1
except RuntimeError as error:
    print("Refused:", error)

with torch.no_grad():
    u -= 0.1  # an update is not part of the function that we differentiate
print(u)

# %% [markdown]
# **The API.** `loss.backward()` adds the gradients to the `grad` of **all** leaves that the loss depends on and that require a gradient.
# `torch.autograd.grad(loss, u)` returns the gradient with respect to `u`, as a tuple of one tensor, and leaves every `grad` alone.
#
# ### Exercise: Value and gradient
#
# Write `value_and_gradient(f, x)`, which leaves no traces: it returns `f(x)` as a Python `float`, and the gradient of `f` at `x` as a
# tensor.
#
# - `x` is float32 or float64, of any shape, even without dimensions. It may require a gradient or not. `f` takes a tensor of this shape
#   and dtype and returns a 0-d tensor that depends on it.
# - The gradient is a **new** tensor with the shape and dtype of `x` that does not require a gradient.
# - `x` is left as it was: its values, its `requires_grad` and its `grad`.
# - `f` may use other tensors that require a gradient, such as the numbers that a network learns. *Their* `grad` is left as it was, too.
#   It may use `x` itself, too, besides the tensor that it gets: `x` is then a constant.
#
# <details><summary>Hint 1: a leaf of your own</summary>
#
# To ask for a gradient without touching `x`, you need another tensor with the values of `x`: first out of the graph, then
# `requires_grad_()`.
#
# </details>
#
# <details><summary>Hint 2: the other tensors' grad</summary>
#
# `backward()` adds to the `grad` of every leaf. The other function, which was named just above the exercise, does not.
#
# </details>


# %% exercise="value_and_gradient" difficulty=2 minutes=7
def value_and_gradient(f, x: torch.Tensor) -> tuple[float, torch.Tensor]:
    """The value of f at x and its gradient there.

    Args:
        f: takes a tensor of the shape and dtype of x, returns a 0-d tensor.
        x: float32 or float64, any shape.

    Returns:
        A Python float, and a new tensor of the shape and dtype of x.
    """
    ### BEGIN SOLUTION
    leaf = x.detach().clone().requires_grad_()
    value = f(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.item(), gradient
    ### END SOLUTION


# %% check="value_and_gradient" points=2
class Weighted(nn.Module):
    """Σ scale · c · z³, where the scale is a parameter."""

    def __init__(self, c):
        super().__init__()
        self.scale, self.c = nn.Parameter(torch.tensor(2.0, dtype=c.dtype)), c

    def forward(self, z):
        if z.shape != self.c.shape or z.dtype != self.c.dtype:
            raise TypeError(f"f takes {self.c.dtype} of shape {tuple(self.c.shape)}, not {z.dtype} of {tuple(z.shape)}")
        return (self.scale * self.c * z**3).sum()


def check_one(answer, f, x, before, what):
    """Everything about one answer, except where x itself is concerned."""
    require(
        isinstance(answer, tuple) and len(answer) == 2,
        f"{what}: a tuple of two",
        "Return the value and the gradient: `return value, gradient`.",
    )
    value, gradient = answer
    expected = (2.0 * f.c * before**3).sum()
    expect(
        value,
        expected.item(),
        f"{what}: the value",
        rtol=1e-5,
        mistakes={
            "That is a 0-d tensor: .item() makes a Python float of it.": value.new_tensor(expected.item())
            if isinstance(value, torch.Tensor)
            else None
        },
    )
    wanted = 6.0 * f.c * before**2
    expect(
        gradient,
        wanted,
        f"{what}: the gradient",
        rtol=1e-5,
        mistakes={
            "That is twice the gradient: does something add up?": 2 * wanted,
            "`torch.autograd.grad` returns a tuple: take the tensor out of it.": (wanted,),
            "There is no gradient: `grad` belongs to the leaf on which `backward()` was called.": None,
        },
    )
    require(
        not gradient.requires_grad,
        f"{what}: the gradient does not require a gradient",
        "It is part of a graph: create_graph=True is not needed here.",
    )


c = torch.tensor([[1.0, -2.0, 0.5], [3.0, 1.5, -1.0]])
x = torch.tensor([[0.5, 2.0, -1.0], [1.5, -0.5, 3.0]])
f, before = Weighted(c), x.clone()
f.scale.grad = torch.tensor(7.0)
answer = value_and_gradient(inplace(f), inplace(x))
expect(x.detach(), before, "value_and_gradient(f, x) leaves the values of x as they were")
require(not x.requires_grad, "x.requires_grad is still False", "You switched it on: make a leaf of your own.")
check_one(answer, f, x, before, "a layer f with a weight, x of shape (2, 3)")
expect(
    f.scale.grad,
    torch.tensor(7.0),
    "the weight of f keeps the grad that it had",
    mistakes={
        "You cleared it.": None,
        "You set it to zero.": torch.tensor(0.0),
        "`backward()` added to it: it adds to the grad of every leaf. Use `torch.autograd.grad`.": (
            7.0 + (c * before**3).sum()
        ),
    },
)
f.scale.grad = None
answer = value_and_gradient(inplace(f), inplace(x))
check_one(answer, f, x, before, "the same call once more")
require(
    f.scale.grad is None,
    "the weight of f still has no grad",
    "`backward()` gave it one: it adds to the grad of every leaf. Use `torch.autograd.grad`.",
)
leaf = before.clone().requires_grad_()
check_one(value_and_gradient(f, inplace(leaf)), f, leaf, before, "an x that requires a gradient")
require(
    leaf.requires_grad,
    "x.requires_grad is still True",
    "You switched it off: x.requires_grad_(False) changes x itself.",
)
require(leaf.grad is None, "x.grad is still None", "It was written into: make a leaf of your own.")
leaf.grad = torch.full((2, 3), 5.0)
answer = value_and_gradient(f, inplace(leaf))
expect(
    leaf.grad,
    torch.full((2, 3), 5.0),
    "x keeps the grad that it had",
    mistakes={"You cleared the grad of x: make a leaf of your own, and leave x alone.": None},
)
check_one(answer, f, leaf, before, "an x that has a grad already")
check_one(value_and_gradient(f, (leaf * 1.0)), f, leaf, before, "an x that is the result of an operation")


def same_memory(one, other):
    return one is other or one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def try_many(seed):
    g = torch.Generator().manual_seed(seed)
    found = unkind_inputs(g, largest=900)
    cases = {what: x for what, x in found if x.numel() > 0}
    befores = {what: x.clone() for what, x in cases.items()}
    values, gradients, wanted_values, wanted, shared = {}, {}, {}, {}, []
    for what, x in cases.items():
        f = Weighted(torch.randn(x.shape, generator=g, dtype=torch.float64).to(x.dtype))
        answer = value_and_gradient(f, inplace(x))
        values[what], gradients[what] = answer[0], answer[1]
        wanted_values[what] = f(befores[what]).item()
        wanted[what] = 6.0 * f.c * befores[what] ** 2
        shared += [what] * same_memory(x, answer[1])
    expect(
        cases, befores, f"x is left as it was: {len(cases)} tensors of many shapes, layouts and dtypes", rtol=0, atol=0
    )
    expect(values, wanted_values, "the value for each of them, as a float", rtol=1e-4, atol=1e-3)
    expect(gradients, wanted, "the gradient for each of them", rtol=1e-5, atol=1e-5)
    require(shared == [], "each gradient is a new tensor", f"It shares memory with x, for {'; '.join(shared[:1])}.")
    constant = torch.randn(4, generator=g)
    x, kept = torch.randn(4, generator=g), constant.clone()
    first = value_and_gradient(lambda z: z @ constant, x)[1]
    second = value_and_gradient(lambda z: (z * z).sum(), x)[1]
    expect((first, second), (kept, x + x), "two functions one after the other, each with its own gradient")
    x = torch.randn(4, generator=g)
    ones = value_and_gradient(lambda z: z.sum(), x)[1]
    expect(ones, torch.ones(4), "the gradient of Σ x is a tensor of ones")
    weight = torch.randn(4, generator=g).requires_grad_()
    kept = weight.detach().clone()

    def written(_):
        raise RuntimeError("a weight inside f has been given a grad: `backward()` adds to the grad of every leaf")

    def with_weight(z):
        """A function, not a layer, so that its weight is not in f.parameters()."""
        weight.register_post_accumulate_grad_hook(written)
        return (weight * z).sum()

    expect(value_and_gradient(with_weight, x)[1], kept, "the gradient for a function f that has a weight inside")
    uses_x = value_and_gradient(lambda z: (z * x).sum(), x)[1]
    expect(
        uses_x,
        x.clone(),
        "the gradient for an f that uses x itself",
        mistakes={"You differentiated x itself, which f uses, too: give f a leaf of your own.": 2 * x},
    )


try_many(22)
### BEGIN HIDDEN TESTS
try_many(32)
### END HIDDEN TESTS

# %% [markdown]
# ## How far? A golden-section search
#
# We know the direction: against the gradient. How far should we go? Look only at the line through $x$ in that direction. On it, $f$ is a
# function of a single number, and we want the $\alpha$ where it is smallest:
#
# $$\varphi(\alpha) = f(x - \alpha\, \nabla f(x)).$$
#
# Finding it is called a **line search**. Suppose we know an interval from $a$ to $b$ in which $\varphi$ first falls and then rises.
# Evaluate it at two points $c < d$ inside. If $\varphi(c) < \varphi(d)$, the minimum cannot be to the right of $d$: cut that piece off.
# Otherwise cut off the piece to the left of $c$.
#
# The trick is where to put $c$ and $d$. With $r = (\sqrt5 - 1)/2 \approx 0.618$, the inverse of the golden ratio,
#
# $$c = b - r\,(b - a), \qquad d = a + r\,(b - a),$$
#
# the point that remains inside is in exactly the right place for the next cut. So each cut needs only **one** new value of $\varphi$,
# and shrinks the interval to 0.618 of its length.

# %% folded label="Draw one cut"
ratio = (math.sqrt(5) - 1) / 2
figure, ax = plt.subplots(figsize=(6.0, 2.9), layout="constrained")
rows = [
    (0.0, [(0, "a"), (ratio**2, "c"), (ratio, "d"), (1, "b")], "at first"),
    (-1.0, [(0, "a"), (ratio**3, "c"), (ratio**2, "d"), (ratio, "b")], "φ(c) < φ(d)"),
    (-2.0, [(ratio**2, "a"), (ratio, "c"), (1 - ratio**3, "d"), (1, "b")], "otherwise"),
]
for height, points, text in rows:
    ax.plot([points[0][0], points[-1][0]], [height, height], color=INK, linewidth=2)
    known = [] if height == 0 else [ratio**2, ratio]
    for place, name in points:
        inside, old = name in "cd", any(abs(place - one) < 1e-9 for one in known)
        face = COLOURS["output"] if inside and not old else "white" if inside else INK
        ax.plot(
            place,
            height,
            "o" if inside else "|",
            color=INK,
            markersize=10 if inside else 16,
            markerfacecolor=face,
            markeredgewidth=2,
        )
        ax.text(place, height + 0.22, name, ha="center", va="bottom", fontsize=12, color=INK)
    ax.text(1.08, height, text, ha="left", va="center", fontsize=11, color=INK)
ax.plot([], [], "o", color=INK, markerfacecolor=COLOURS["output"], markeredgewidth=2, label="evaluate φ here")
ax.plot([], [], "o", color=INK, markerfacecolor="white", markeredgewidth=2, label="value known from before")
ax.legend(loc="lower center", bbox_to_anchor=(0.5, -0.28), ncols=2, frameon=False, fontsize=10)
ax.set(xlim=(-0.05, 1.42), ylim=(-2.5, 0.7))
ax.axis("off")
show(
    figure,
    alt="Three rows. At first the interval from a to b, with c at 38 percent and d at 62 percent of its length; φ is evaluated at both. If φ(c) < φ(d), the interval "
    "ends at the old d; the old c has become the new d, and only the new c has to be evaluated. Otherwise it starts at the old c; the old d has become the new c, and only "
    "the new d has to be evaluated.",
)

# %% [markdown]
# The next cell counts how many values it takes to shrink an interval of length 1 to at most $10^{-6}$, and compares that with cutting off a
# third each time. With thirds, the point that remains is in the middle, where neither of the next two has to be, so each cut costs two values.

# %%
cuts = math.ceil(math.log(1e-6) / math.log((math.sqrt(5) - 1) / 2))
print(f"golden section: {cuts} cuts, {cuts + 2} values")
cuts = math.ceil(math.log(1e-6) / math.log(2 / 3))
print(f"thirds:         {cuts} cuts, {2 * cuts} values")

# %% [markdown]
# ### Exercise: Golden-section search
#
# Write `golden_section(phi, a, b, tol)`. `phi` takes a Python `float` and returns one. Between `a` and `b` it first falls and then rises
# (one of the two parts may be missing). `tol` is far larger than the spacing of floats.
#
# - Cut as described until the interval is at most `tol` long, and return its midpoint, as a Python `float`. An interval that is short
#   enough from the start is not cut.
# - Each cut needs **one** new value: for $n$ cuts, call `phi` at most $n + 2$ times.
# - Call `phi` only with numbers from `a` to `b`: elsewhere it may not be defined.
#
# <details><summary>Hint 1: what to keep</summary>
#
# Keep six numbers: `a`, `c`, `d`, `b`, and the values `fc` and `fd` at the two points inside. After each cut, most of them are still
# needed, some under another name.
#
# </details>
#
# <details><summary>Hint 2: one cut</summary>
#
# If `fc < fd`: the new `b` is the old `d`, the new `d` is the old `c`, and `fd` becomes `fc`. Then compute the new `c` from the formula
# and call `phi(c)`. The other case is the mirror image.
#
# </details>


# %% exercise="golden_section" difficulty=2 minutes=10
def golden_section(phi, a: float, b: float, tol: float = 1e-8) -> float:
    """Where phi is smallest between a and b, to within tol / 2.

    Args:
        phi: takes a float and returns one; falls, then rises.
        a, b: the ends of the interval, a < b.
        tol: how long the last interval may be.

    Returns:
        The midpoint of the last interval.
    """
    ### BEGIN SOLUTION
    ratio = (math.sqrt(5) - 1) / 2
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    fc, fd = phi(c), phi(d)
    while b - a > tol:
        if fc < fd:
            b, d, fd = d, c, fc
            c = b - ratio * (b - a)
            fc = phi(c)
        else:
            a, c, fc = c, d, fd
            d = a + ratio * (b - a)
            fd = phi(d)
    return (a + b) / 2
    ### END SOLUTION


# %% check="golden_section" points=2
class Asked(nn.Module):
    """A function from a to b that counts its calls."""

    def __init__(self, function, a, b):
        super().__init__()
        self.function, self.a, self.b, self.count = function, a, b, 0

    def forward(self, place):
        if not isinstance(place, float):
            raise TypeError(f"phi takes a Python float, not a {type(place).__name__}")
        if not self.a - 1e-12 <= place <= self.b + 1e-12:
            raise ValueError(f"phi was asked for {place}, which is not between a = {self.a} and b = {self.b}")
        self.count += 1
        if self.count > 500:
            raise RuntimeError("phi has been called 500 times: does the interval shrink?")
        return float(self.function(place))


def most(a, b, tol):
    """How often phi may be called."""
    cuts = 0
    while (b - a) * 0.6180339887498949**cuts > tol:
        cuts += 1
    return cuts + 2


phi = Asked(lambda t: (t - 0.7) ** 2, -1.0, 3.0)
answer = golden_section(inplace(phi), -1.0, 3.0, 1e-4)
require(
    type(answer) is float,
    "golden_section returns a float",
    f"Yours is a {type(answer).__name__}: return the midpoint of the last interval, as a Python float.",
)
expect(
    answer,
    0.7,
    "golden_section(phi, -1, 3, 1e-4) for a parabola with its lowest point at 0.7",
    rtol=0,
    atol=6e-5,
    mistakes={
        "That is an end of the interval: you keep the part with the larger values. If φ(c) < φ(d), keep the left part.": (
            min((-1.0, 3.0), key=lambda end: abs(end - answer))
        ),
        "That is the smallest value of phi: return the place where it is.": phi.function(0.7) + 0.0,
    },
)
require(
    phi.count <= most(-1.0, 3.0, 1e-4),
    f"phi is called at most {most(-1.0, 3.0, 1e-4)} times",
    f"It was called {phi.count} times: each cut needs one new value. Keep the value of the point that stays inside.",
)
phi = Asked(lambda t: abs(t - 0.3), 0.0, 1.0)
expect(
    golden_section(inplace(phi), 0.0, 1.0, 0.5),
    0.190983005625,
    "golden_section(phi, 0, 1, 0.5): two cuts, then the midpoint",
    mistakes={
        "That is one of the two points inside: return the midpoint of the last interval.": 0.236067977500,
        "That is an end of the last interval: return its midpoint.": 0.0,
        "That is the other end of the last interval: return its midpoint.": 0.381966011250,
        "You cut once more: stop when the interval is at most tol long.": 0.263932022500,
        "You cut once less: go on while the interval is longer than tol.": 0.309016994375,
    },
)
for a, b, tol in [(2.0, 2.5, 0.5), (-3.0, -2.0, 4.0)]:
    phi = Asked(lambda t: t, a, b)
    expect(
        golden_section(inplace(phi), a, b, tol),
        (a + b) / 2,
        f"golden_section(phi, {a}, {b}, {tol}): the interval is short enough from the start",
        mistakes={
            "You cut it nevertheless: test the length before the cut.": a + (b - a) * 0.6180339887498949 / 2,
            "That is an end of the interval: return its midpoint.": a,
        },
    )
    require(phi.count <= 2, "phi is called at most twice for it", f"It was called {phi.count} times.")


def many_cuts(a, b, tol, place):
    """An interval that only many cuts make short enough."""
    answer = golden_section(Asked(lambda t: abs(t - place), a, b), a, b, tol)
    require(
        abs(answer - place) <= 0.51 * tol,
        f"golden_section(phi, {a}, {b}, {tol}), which needs {most(a, b, tol) - 2} cuts",
        f"Yours is {answer}, which is {abs(answer - place) / tol:.3g} · tol from the lowest point, at {place}. Go on "
        "until the interval is at most tol long, however many cuts that takes and however small tol is.",
    )


many_cuts(0.0, 1.0, 1e-12, 0.4)


def try_many(seed):
    g = torch.Generator().manual_seed(seed)
    answers, wanted, slack, often = {}, {}, {}, []
    for number in range(12):
        left, width, part = torch.rand(3, generator=g, dtype=torch.float64).tolist()
        a, b = 10 * left - 5, 10 * left - 5 + (0.3, 1.0, 7.0)[number % 3] * (0.5 + width)
        place = (a, b)[number // 2] if number < 4 and number % 2 == 0 else a + part * (b - a)
        tol = (1e-3, 1e-5, 0.2, 1e-2)[number % 4] if number % 5 else 1e-8
        functions = {
            "a kink": lambda t, p=place: abs(t - p) * (3 if t > p else 1),
            "a parabola": lambda t, p=place: 5 * (t - p) ** 2 - 100,
            "a root": lambda t, p=place: abs(t - p) ** 0.5 + 0.1 * (t > p),
        }
        name = list(functions)[number % 3 if tol > 1e-6 else 0]
        phi = Asked(functions[name], a, b)
        what = f"{name}, case {number}: from {a:.4g} to {b:.4g}, tol {tol}"
        answers[what], wanted[what] = golden_section(inplace(phi), a, b, tol), place
        slack[what] = abs(answers[what] - place) / tol if type(answers[what]) is float else 0.0
        often += [(what, phi.count, most(a, b, tol))] * (phi.count > most(a, b, tol))
    kinds = {what: type(answer).__name__ for what, answer in answers.items()}
    expect(kinds, dict.fromkeys(kinds, "float"), "each result is a Python float")
    far = [what for what in slack if slack[what] > 0.51]
    require(
        far == [],
        f"within tol/2 of the lowest point, for {len(answers)} functions",
        "".join(f"{what}: yours is {answers[what]}, the lowest point is at {wanted[what]}." for what in far[:1]),
    )
    require(
        often == [],
        "phi is called at most n + 2 times for each of them",
        "".join(f"{what}: {count} calls, at most {limit} are needed." for what, count, limit in often[:1]),
    )


try_many(23)
### BEGIN HIDDEN TESTS
try_many(33)
many_cuts(0.0, 1e4, 1e-8, 0.7)
many_cuts(-1.0, 1.0, 1e-12, 0.16)
### END HIDDEN TESTS


# %% folded label="The course's own line search, if you need it"
def by_thirds(phi, a, b, tol=1e-8):
    """Stands in for golden_section: cuts off a third."""
    while b - a > tol:
        third = (b - a) / 3
        if phi(a + third) < phi(b - third):
            b -= third
        else:
            a += third
    return (a + b) / 2


# %% [markdown]
# ### Where your search looks
#
# The next cell searches from the start of our valley in the direction of the steepest descent, between 0 and 0.15, with your
# `golden_section`, and shows where it evaluates $\varphi$.

# %% yours
search = yours_or_ours(golden_section, by_thirds, lambda t: (t - 0.3) ** 2, 0.0, 1.0, 1e-3)

direction = -valley_gradient(start)
asked = []


def along(alpha):
    asked.append(alpha)
    return valley(start + alpha * direction)


alpha = search(along, 0.0, 0.15, 1e-8)
print(
    f"α = {alpha:.6f} after {len(asked)} values; f falls from {valley(start):.2f} to {valley(start + alpha * direction):.2f}"
)

# %% yours folded label="Draw where it looks"
figure, axes = plt.subplots(2, 1, figsize=(6.0, 4.6), sharex=True, layout="constrained", height_ratios=[1.3, 1])
line = np.linspace(0, 0.15, 200)
axes[0].plot(line, [valley(start + t * direction) for t in line], color=COLOURS["plain"], linewidth=2)
axes[0].plot(asked[:14], [valley(start + t * direction) for t in asked[:14]], "o", color=COLOURS["output"])
axes[0].set(ylabel="φ(α)")
axes[1].plot(asked[:14], range(1, len(asked[:14]) + 1), "o-", color=COLOURS["output"], linewidth=1)
axes[1].set(xlabel="α", ylabel="order", ylim=(15, 0), yticks=[1, 5, 10, 14])
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
show(
    figure,
    alt="Above, the function φ along the line, a parabola with its minimum at about 0.05; dots mark where your search evaluates it. Below, the same places from the first value "
    "at the top to the 14th at the bottom: they close in on the minimum.",
)

# %% [markdown]
# ## Steepest descent
#
# Now we have all the parts: ask for the direction, find out how far to go, go there, and repeat until the ground is flat. Here it is in
# NumPy. It needs the gradient as a second function, `df`, worked out on paper:


# %%
def on_line(f, x, direction):
    """φ: the function f on the line through x in a direction."""
    return lambda alpha: f(x + alpha * direction)


def descend(f, df, x, line_search, eps=1e-6, max_iter=100):
    """Steepest descent from x. Returns the places it visits, one in each row."""
    path = [x]
    for _ in range(max_iter):
        gradient = df(x)
        if np.linalg.norm(gradient) < eps:  # the ground is flat
            break
        direction = -gradient
        alpha = line_search(on_line(f, x, direction))
        x = x + alpha * direction
        path.append(x)
    return np.array(path)


def line_search(phi):
    return search(phi, 0.0, 1.0, 1e-8)


numpy_path = descend(valley, valley_gradient, start, line_search)
print(f"{len(numpy_path) - 1} steps; the last place is {numpy_path[-1].round(7)}")

# %% [markdown]
# **Before you run it:** at each step we go exactly as far as the function falls. What is the angle between one step and the next? What
# does the path look like?

# %% predict
moves = np.diff(numpy_path, axis=0)
for k in range(4):
    cosine = moves[k] @ moves[k + 1] / (np.linalg.norm(moves[k]) * np.linalg.norm(moves[k + 1]))
    print(
        f"step {k} has length {np.linalg.norm(moves[k]):.3f}; angle to the next: {math.degrees(math.acos(cosine)):.3f}°"
    )

# %% predict folded label="Draw the path"
figure, ax = plt.subplots(figsize=(6.4, 2.9), layout="constrained")
contours_of(ax, valley, (-9, 3), (-2.2, 2.2))
ax.set_aspect("equal")
ax.plot(*numpy_path.T, "o-", color=INK, markersize=4, linewidth=1.8)
show(
    figure,
    alt="The path of steepest descent on the contour lines of the valley: a zigzag. A long first step down the slope, then steps across the valley and along it, each at right "
    "angles to the last, shorter and shorter towards the cross.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# 90°. At the lowest point on the line, the slope *along the line* is 0, so the new gradient is at right angles to the line. The path must
# zigzag, although it finds the best step every time. Best for one step is not best for the whole way: with 20 times as much curvature in
# one direction as in the other, it takes 51 steps. Keep this in mind for the section on momentum.
#
# </details>
#
# ### Exercise: Steepest descent in PyTorch
#
# Nobody wants to work out `df` for a network on paper. Write `steepest_descent(f, x, line_search, eps, max_iter)`, which does the same as
# `descend` without a `df`: a **forward** pass, a **backward** pass, and an update of `x` **in place**.
#
# - `x` is a leaf that requires a gradient, float32 or float64, of any shape, without a `grad` yet. Afterwards it is still that leaf, and
#   holds the last place; what `x.grad` holds then does not matter. `f(x)` is a 0-d tensor.
# - Before each step: stop if the norm of the gradient (the root of the sum of the squares of all its numbers) is below `eps`. Take at
#   most `max_iter` steps.
# - A step goes from `x` to `x + alpha * direction`, where the direction is minus the gradient, and `alpha = line_search(phi)`. You pass
#   `phi`, a function from a Python `float` $\alpha$ to a Python `float`: the value of `f` at `x + α direction`. Calling `phi` does not
#   change `x`.
# - Return the places visited, the start and the last one included, as one tensor of shape `(steps + 1, *x.shape)`. It has the dtype of
#   `x` and requires no gradient.
#
# <details><summary>Hint 1: gradients add up</summary>
#
# The `grad` of the last round must not leak into the next: clear it, or use `torch.autograd.grad`.
#
# </details>
#
# <details><summary>Hint 2: all rows of the path are the same</summary>
#
# `x` changes in place. A list that holds `x` itself, or `x.detach()`, holds the same memory again and again. Put a copy into it.
#
# </details>
#
# <details><summary>Hint 3: "a leaf Variable that requires grad is being used in an in-place operation"</summary>
#
# The update is not part of the function that we differentiate: put it inside `with torch.no_grad():`, and compute `phi` there, too. Write
# `x += …`: `x = x + …` would make a new tensor, and the caller's `x` would stay where it was.
#
# </details>


# %% exercise="steepest_descent" difficulty=3 minutes=15
def steepest_descent(f, x: torch.Tensor, line_search, eps: float = 1e-6, max_iter: int = 100) -> torch.Tensor:
    """Walk downhill from x, which ends at the last place.

    Args:
        f: takes a tensor of the shape of x, returns a 0-d tensor.
        x: a leaf that requires a gradient; changed in place.
        line_search: takes phi, a function from float to float, returns how far to go.
        eps: stop when the norm of the gradient is below it.
        max_iter: the largest number of steps.

    Returns:
        The places visited, shape (steps + 1, *x.shape).
    """

    ### BEGIN SOLUTION
    def along(direction):
        return lambda a: f(x + a * direction).item()

    path = [x.detach().clone()]
    for _ in range(max_iter):
        x.grad = None
        f(x).backward()
        gradient = x.grad
        if gradient.norm() < eps:
            break
        direction = -gradient
        with torch.no_grad():
            x += line_search(along(direction)) * direction
        path.append(x.detach().clone())
    return torch.stack(path)
    ### END SOLUTION


# %% check="steepest_descent" points=3
def bowl(A):
    """½ zᵀ A z for z of any shape, and its gradient for each row of a table of places."""
    return lambda z: z.flatten() @ A @ z.flatten() / 2


def by_sgd(A, x, rate, steps, keep=False):
    """Where torch.optim.SGD goes with the gradient A x; ``keep`` adds the gradients up."""
    p = nn.Parameter(x.detach().flatten().clone())
    optimizer, places = torch.optim.SGD([p], lr=rate), [p.detach().clone()]
    for _ in range(steps):
        p.grad = A @ p.detach() if p.grad is None or not keep else p.grad + A @ p.detach()
        optimizer.step()
        places.append(p.detach().clone())
    return torch.stack(places).reshape(-1, *x.shape)


def leaf_of(x):
    return x.clone().requires_grad_()


def strict(phi):
    """A line search that looks closely at the phi that it gets."""
    values = [phi(0.0), phi(0.4), phi(0.0)]
    if any(type(value) is not float for value in values):
        raise TypeError(f"phi must return a Python float, not a {type(values[0]).__name__}")
    if values[0] != values[2]:
        raise ValueError(f"phi(0.0) is {values[0]} at first and {values[2]} after another call: phi must not change x")
    return 0.1


A = torch.tensor([[3.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
start_at = torch.tensor([4.0, -2.0], dtype=torch.float64)
x, wanted = leaf_of(start_at), by_sgd(A, start_at, 0.1, 6)
alias = x.detach()
path = steepest_descent(bowl(A), inplace(x), lambda phi: 0.1, 0.0, 6)
both = by_sgd(A, start_at, 0.1, 6, keep=True)
require(
    isinstance(path, torch.Tensor),
    "steepest_descent returns a tensor",
    "Use torch.stack to make one of a list of places.",
)
expect(
    path.detach(),
    wanted,
    "steepest_descent(f, x, line_search, 0, 6) with a line search that always returns 0.1",
    mistakes={
        "All rows are the last place: append a copy, x.detach().clone().": wanted[-1].expand(7, 2).clone(),
        "The start is missing.": wanted[1:],
        "The last place is missing.": wanted[:-1],
        "The gradients of all rounds have added up: clear the old one.": both,
        "You went uphill: the direction is minus the gradient.": by_sgd(-A, start_at, 0.1, 6),
        "`alpha` is not used.": by_sgd(A, start_at, 1.0, 6),
        "One step too many: take at most max_iter steps.": by_sgd(A, start_at, 0.1, 7),
        "That is the last place alone: return all of them.": wanted[-1],
    },
)
require(not path.requires_grad, "the path requires no gradient", "Append copies that are detached from the graph.")
expect(
    x.detach(), wanted[-1], "x is at the last place", mistakes={"x has not moved: change x itself, in place.": start_at}
)
expect(
    alias,
    wanted[-1],
    "x has been changed in place",
    mistakes={"x has new memory: `x += …` writes into the old one.": start_at},
)
require(x.requires_grad and x.is_leaf, "x is still a leaf that requires a gradient", "It is not.")

for kind, advice in [(torch.float64, "float64"), (torch.float32, "float32")]:
    x = leaf_of(torch.tensor([1.0], dtype=kind))
    path = steepest_descent(bowl(torch.ones(1, 1, dtype=kind)), inplace(x), lambda phi: 0.5, 0.1, 50)
    expect(
        path,
        torch.tensor([[1.0], [0.5], [0.25], [0.125], [0.0625]], dtype=kind),
        f"it stops when the norm of the gradient is below eps = 0.1, in {advice}",
        mistakes={
            "It stops too early: compare the norm of the gradient with eps, not the length of the step.": torch.tensor(
                [[1.0], [0.5], [0.25], [0.125]], dtype=kind
            ),
            "The root is missing: the norm is the root of the sum of all squares.": torch.tensor(
                [[1.0], [0.5], [0.25]], dtype=kind
            ),
            "It stops one step too late: look at the gradient before the step.": torch.tensor(
                [[1.0], [0.5], [0.25], [0.125], [0.0625], [0.03125]], dtype=kind
            ),
            "It does not stop: compare the norm of the gradient with eps.": 0.5
            ** torch.arange(51, dtype=kind)[:, None],
        },
    )
x = leaf_of(torch.zeros(2, dtype=torch.float64))
path = steepest_descent(bowl(A), inplace(x), lambda phi: 0.5, 1e-6, 50)
expect(
    path, torch.zeros(1, 2, dtype=torch.float64), "at the lowest point it takes no step: the path is the start alone"
)
x = leaf_of(start_at)
path = steepest_descent(bowl(A), inplace(x), lambda phi: 0.1, 0.0, 0)
expect(path, start_at[None], "max_iter = 0: no step, the path is the start alone")
x = leaf_of(start_at)
path = steepest_descent(bowl(A), inplace(x), strict, 0.0, 4)
expect(path, by_sgd(A, start_at, 0.1, 4), "with a line search that looks closely at phi")


def at_eps(place):
    """The norm of the gradient is eps at the start, and half of it after one step."""
    place = torch.tensor(place)
    path = steepest_descent(bowl(torch.eye(2)), leaf_of(place), lambda phi: 0.5, place.norm().item(), 50)
    expect(
        path,
        torch.stack([place, place / 2]),
        f"from {place.tolist()}, where the norm of the gradient is eps = {place.norm().item()} exactly",
        mistakes={"It stops where the norm is eps: stop only where it is below eps.": place[None]},
    )


def badly(place):
    """Line searches that return too much, or nothing."""
    place = torch.tensor(place, dtype=torch.float64)
    for rate, what in [(0.7, "that goes too far, uphill"), (0.0, "that returns 0.0")]:
        path = steepest_descent(bowl(A), leaf_of(place), lambda phi, rate=rate: rate, 0.0, 3)
        expect(
            path,
            by_sgd(A, place, rate, 3),
            f"with a line search {what}, 3 steps from {place.tolist()}",
            mistakes={"It stops where a step does not lower f: only the norm and max_iter end the walk.": place[None]},
        )


def measured(place, eps, known):
    """In a round bowl, the norm of the gradient is known, and each step shortens it by a tenth."""
    place = torch.tensor(place)
    count, norm = 0, place.norm().item()
    while norm * 0.9**count >= eps:
        count += 1
    x = leaf_of(place)
    path = steepest_descent(bowl(torch.eye(place.numel())), inplace(x), strict, eps, 100)
    mistakes = {
        "You compared the largest number: the norm is the root of the sum of all squares.": "largest",
        "You compared the sum of the numbers: the norm is the root of the sum of all squares.": "sum",
        "You compared the norm of one row: the norm takes all numbers together.": "rows",
        "You compared the norm of one column: the norm takes all numbers together.": "columns",
    }
    expect(
        len(path) - 1,
        count,
        f"the number of steps from {place.tolist()} until the norm is below {eps}",
        mistakes={text: known[name] for text, name in mistakes.items() if name in known},
    )
    expect(path, by_sgd(torch.eye(place.numel()), place, 0.1, count), "the places on the way")


def try_many(seed):
    g = torch.Generator().manual_seed(seed)
    choices = [0.02, 0.05, 0.1, 0.2, 0.4]
    wrong, ends = {}, {}
    for number, (shape, dtype) in enumerate(
        [
            ((2,), torch.float64),
            ((), torch.float64),
            ((2, 3), torch.float32),
            ((1,), torch.float64),
            ((3, 2), torch.float64),
        ]
    ):
        n = math.prod(shape)
        B = torch.randn(n, n, generator=g, dtype=torch.float64).to(dtype)
        A = B @ B.T / n + torch.eye(n, dtype=dtype)
        place = torch.randn(shape, generator=g, dtype=torch.float64).to(dtype)
        x = leaf_of(place.t() if number == 4 else place)
        what = f"x of shape {tuple(x.shape)}, {str(dtype).removeprefix('torch.')}"
        path = steepest_descent(bowl(A), inplace(x), lambda phi: min(choices, key=phi), 1e-9, 8)
        if path.shape != (9, *x.shape) or path.dtype != dtype:
            expect(path, torch.zeros(9, *x.shape, dtype=dtype), f"{what}: shape and dtype of the path")
        flat = path.reshape(9, n)
        slopes, heights = flat @ A, []
        for rate in choices:
            there = flat - rate * slopes
            heights.append(((there @ A) * there).sum(1))
        best = torch.tensor(choices, dtype=dtype)[torch.stack(heights).argmin(0)]
        wrong[what] = (flat[1:], (flat - best[:, None] * slopes)[:-1])
        ends[what] = (x.detach().clone(), path[-1], path[0], place.t() if number == 4 else place)
    measured([[2.0, -1.5], [2.0, -1.5]], 0.5, {"largest": 14, "sum": 7, "rows": 16, "columns": 17})
    expect(
        {what: one for what, (one, _) in wrong.items()},
        {what: other for what, (_, other) in wrong.items()},
        "each step goes down the gradient, as far as the best of five choices",
        rtol=1e-4,
        atol=1e-5,
    )
    expect(
        {what: (one[0], one[2]) for what, one in ends.items()},
        {what: (one[1], one[3]) for what, one in ends.items()},
        "the path begins at the start, and ends where x is",
    )


try_many(24)
at_eps([3.0, 4.0])
badly([4.0, -2.0])
### BEGIN HIDDEN TESTS
try_many(34)
measured([[0.5, 1.0], [-0.5, 1.0], [0.5, -1.0]], 0.2, {})
at_eps([-5.0, 12.0])
badly([-3.0, 1.0])
### END HIDDEN TESTS


# %% folded label="The course's own version, if you need it"
def by_numpy(f, x, line_search, eps=1e-6, max_iter=100):
    """Stands in for steepest_descent: the NumPy version, for the valley."""
    path = descend(valley, valley_gradient, x.detach().numpy().copy(), line_search, eps, max_iter)
    x.data.copy_(torch.from_numpy(path[-1]))
    return torch.from_numpy(path)


# %% [markdown]
# ### The same path?
#
# NumPy computed with the gradient from paper, your function with autograd's. Do they take the same path? (If you have not solved the
# exercise yet, the NumPy version stands in.)

# %% yours
example = torch.tensor([-8.0, 1.5], dtype=torch.float64, requires_grad=True)
descent = yours_or_ours(steepest_descent, by_numpy, valley, example, line_search, 1e-6, 5)

x = torch.from_numpy(start.copy()).requires_grad_()
torch_path = descent(valley, x, line_search).numpy()
print("steps:", len(numpy_path) - 1, "with NumPy,", len(torch_path) - 1, "with autograd")
common = min(len(numpy_path), len(torch_path))
difference = np.abs(numpy_path[:common] - torch_path[:common]).max()
print(f"largest difference between the two paths: {difference:.1e}, below 1e-6: {difference < 1e-6}")

# %% [markdown]
# Both should take 51 steps and agree to better than $10^{-6}$. Do not expect more of a line search. Near its minimum, a parabola is so flat
# that $\alpha$ and $\alpha + 10^{-8}$ have the same value in float64. There, rounding errors decide which part is cut off. So an equally
# correct program that does its operations in another order may find an $\alpha$ that differs in the 8th digit.
#
# ## torch.optim: four lines
#
# A line search computes $f$ some forty times per step. For a network, each of these evaluations is a pass over the data. So in practice
# the step is a fixed multiple of the gradient. That is **gradient descent**. The factor is the **learning rate** $\eta$:
#
# $$x \leftarrow x - \eta\, \nabla f(x).$$
#
# An **optimizer** does that for any number of tensors. You create it once, with the tensors that it may change, the **parameters**. Every round
# has the same four lines:

# %%
x = torch.tensor([-8.0, 1.5], requires_grad=True)
optimizer = torch.optim.SGD([x], lr=0.06)
for _ in range(3):
    optimizer.zero_grad()  # clear the gradients of the last round
    loss = valley(x)  # forward: compute, and record the graph
    loss.backward()  # backward: fill x.grad, and free the graph
    optimizer.step()  # change x in place, by the optimizer's rule
    print(f"loss {loss.item():8.4f}   x = {[round(v, 4) for v in x.tolist()]}")

# %% [markdown]
# `zero_grad` may also stand after the forward pass, or after `step`: it only has to come before the next `backward`. `SGD` means *stochastic
# gradient descent*: in training, each round computes the loss for another random part of the data. Its rule is the formula above.
#
# **Before you run it:** the same loop for 40 steps with four learning rates. The valley is 20 times as steep across as it is along its
# floor. Which of the four get down, and which is the best?

# %% predict
rates = [0.02, 0.09, 0.0999, 0.105]
histories = {}
for rate in rates:
    x = torch.tensor([-8.0, 1.5], requires_grad=True)
    optimizer = torch.optim.SGD([x], lr=rate)
    histories[rate] = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = valley(x)
        loss.backward()
        optimizer.step()
        histories[rate].append(loss.item())
    print(
        f"learning rate {rate:6}: loss after 40 steps {valley(x).item():10.3f}, x = {[round(v, 3) for v in x.tolist()]}"
    )

# %% predict folded label="Draw the four losses"
figure, ax = plot_axes(6.0, 3.2)
for (rate, losses), style in zip(histories.items(), [":", "-", "-.", "--"]):
    ax.semilogy(losses, style, color=COLOURS["loss"] if rate > 0.1 else INK, linewidth=2, label=f"{rate}")
ax.set(xlabel="step", ylabel="loss")
ax.legend(title="learning rate", frameon=False, ncols=2)
show(
    figure,
    alt="The loss over 40 steps for four learning rates, logarithmic. 0.02 falls slowly, 0.09 falls fastest, 0.0999 soon stays near 20, and 0.105 falls at first and then grows without bound.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Each coordinate changes independently of the other. A step multiplies $x_1$ by $1 - \eta$ and $x_2$ by $1 - 20\,\eta$. The second factor
# has to stay between −1 and 1, so $\eta < 2/20 = 0.1$. At 0.0999 it is −0.998: $x_2$ jumps from one side of the valley to the other and
# hardly gets closer. At 0.105 it is −1.1: each jump is longer than the last, and the loss **diverges**. The steepest direction sets the
# limit, and the flat one has to live with it: at 0.09, $x_1$ shrinks by 9 % per step. The best rate makes both factors equally small,
# $1 - \eta = 20\,\eta - 1$, which gives $\eta = 2/21 \approx 0.095$.
#
# </details>
#
# **Before you run it:** the loop once more, with one difference. The rate is small, 0.01. What does the loss
# do over 200 steps?

# %% predict
x = torch.tensor([-8.0, 1.5], requires_grad=True)
optimizer = torch.optim.SGD([x], lr=0.01)
forgetful = []
for _ in range(200):
    loss = valley(x)
    loss.backward()
    optimizer.step()
    forgetful.append(loss.item())
print("loss at every tenth step:", [round(value) for value in forgetful[::10]])

# %% [markdown]
# <details><summary>Why?</summary>
#
# `zero_grad` is missing, so all gradients of the past stay in `x.grad` with full weight. They act like the speed of a ball without
# friction: it rolls down, through the lowest point, and up the other side, for ever. The loss swings between about 1 and about 56 and
# never settles. There is no error message. A loss that goes up and down like this is a good reason to look for a missing `zero_grad`.
#
# </details>
#
# ### Exercise: The loop
#
# Write `minimize(f, start, make_optimizer, steps)`: the four lines, `steps` times, for any optimizer whose `step` needs no argument.
#
# - `start` is a float32 or float64 tensor of any shape. It may require a gradient, and it is left as it was: the optimizer works on a
#   copy, a leaf of your own.
# - `make_optimizer` takes a list of tensors and returns an optimizer. Call it once, with a list of your one leaf.
# - Return two things: the places visited, start and last place included, as a tensor of shape `(steps + 1, *start.shape)` that requires no
#   gradient; and the values of `f` at these places, as a list of `steps + 1` Python `float`s. `steps` may be 0.
#
# <details><summary>Hint 1: the leaf</summary>
#
# An optimizer refuses a tensor that is the result of an operation, and `start.clone()` is one if `start` requires a gradient. `detach`
# first, `requires_grad_()` last.
#
# </details>
#
# <details><summary>Hint 2: steps + 1 values</summary>
#
# In each round you get the value at the place *before* the step. The value at the last place is computed once more, after the loop.
#
# </details>


# %% exercise="minimize" difficulty=2 minutes=9
def minimize(f, start: torch.Tensor, make_optimizer, steps: int) -> tuple[torch.Tensor, list[float]]:
    """Take steps with an optimizer, from a copy of start.

    Args:
        f: takes a tensor of the shape of start, returns a 0-d tensor.
        start: float32 or float64, any shape.
        make_optimizer: takes a list of tensors, returns an optimizer.
        steps: how many, 0 or more.

    Returns:
        The places visited, shape (steps + 1, *start.shape), and the values of f there.
    """
    ### BEGIN SOLUTION
    x = start.detach().clone().requires_grad_()
    optimizer = make_optimizer([x])
    path, values = [x.detach().clone()], []
    for _ in range(steps):
        optimizer.zero_grad()
        value = f(x)
        value.backward()
        optimizer.step()
        path.append(x.detach().clone())
        values.append(value.item())
    values.append(f(x).item())
    return torch.stack(path), values
    ### END SOLUTION


# %% check="minimize" points=2
def bowl(A):
    return lambda z: z.flatten() @ A @ z.flatten() / 2


def by_hand(A, x, make, steps, keep=False):
    """What the optimizer does with the gradient A x, and the values on the way; ``keep`` adds the gradients up."""
    p = nn.Parameter(x.detach().flatten().clone())
    optimizer, places = make([p]), [p.detach().clone()]
    for _ in range(steps):
        now = A @ p.detach()
        p.grad = now if p.grad is None or not keep else p.grad + now
        optimizer.step()
        places.append(p.detach().clone())
    places = torch.stack(places)
    return places.reshape(-1, *x.shape), ((places @ A) * places).sum(1).div(2).tolist()


def once(make, steps):
    """Refuses anything but a list of one leaf, a second call, and more steps than asked for."""
    called, taken = [], []

    def count(*_):
        taken.append(True)
        if len(taken) > steps:
            raise RuntimeError(f"the optimizer has been asked for step {len(taken)}, although steps = {steps}")

    def make_optimizer(parameters):
        if called:
            raise RuntimeError("make_optimizer has been called a second time: one optimizer takes all the steps")
        called.append(True)
        if type(parameters) is not list or len(parameters) != 1:
            raise TypeError("make_optimizer takes a list that holds one tensor")
        optimizer = make(parameters)
        optimizer.register_step_pre_hook(count)
        return optimizer

    return make_optimizer


KINDS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "SGD with momentum and weight decay": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.1),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.05),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.2),
}
A = torch.tensor([[3.0, 1.0], [1.0, 2.0]])
start_at = torch.tensor([4.0, -2.0])
before = start_at.clone()
answer = minimize(bowl(A), inplace(start_at), once(KINDS["SGD"], 5), 5)
expect(start_at, before, "minimize(f, start, make_optimizer, 5) leaves start as it was")
require(isinstance(answer, tuple) and len(answer) == 2, "it returns the places and the values", "Return two things.")
places, values = by_hand(A, before, KINDS["SGD"], 5)
path = answer[0]
require(isinstance(path, torch.Tensor), "the places are one tensor", "Use torch.stack to make one of a list of places.")
expect(
    path.detach(),
    places,
    "the places that SGD visits in 5 steps",
    mistakes={
        "All rows are the last place: x changes in place, so append a copy, x.detach().clone().": places[-1]
        .expand(6, 2)
        .clone(),
        "The gradients of all rounds have added up: where is `zero_grad`?": by_hand(
            A, before, KINDS["SGD"], 5, keep=True
        )[0],
        "The start is missing.": places[1:],
        "The last place is missing.": places[:-1],
        "Nothing has moved: is `step` missing, does `zero_grad` come between `backward` and `step`, or does the optimizer "
        "have another tensor?": places[0].expand(6, 2).clone(),
    },
)
require(not path.requires_grad, "the places require no gradient", "Append copies that are detached from the graph.")
expect(
    answer[1],
    values,
    "the values at these places, as a list of floats",
    mistakes={
        "The value at the last place is missing.": values[:-1],
        "The value at the start is missing.": values[1:],
        "These are tensors: .item() makes a Python float of one.": [torch.tensor(value) for value in values],
        "The last value is that before the last step: compute f(x) once more, after the loop.": [
            *values[:-1],
            values[-2],
        ],
        "The last value is a tensor: .item() makes a Python float of it.": [*values[:-1], torch.tensor(values[-1])],
    },
    rtol=1e-4,
)
leaf = before.clone().requires_grad_()
answer = minimize(bowl(A), inplace(leaf), once(KINDS["Adam"], 4), 4)
expect(answer, by_hand(A, before, KINDS["Adam"], 4), "a start that requires a gradient, with Adam", rtol=1e-4)
expect(leaf.detach(), before, "that start is left as it was")
require(
    leaf.grad is None and leaf.requires_grad, "and so are its grad and its requires_grad", "Work on a leaf of your own."
)
answer = minimize(bowl(A), before, once(KINDS["SGD"], 0), 0)
expect(answer, (before[None], values[:1]), "steps = 0: the start and its value")


def try_many(seed):
    g = torch.Generator().manual_seed(seed)
    answers, wanted, cases, befores = {}, {}, {}, {}
    shapes = [(3,), (), (2, 3), (1,), (3, 2)]
    for number, (name, make) in enumerate([*KINDS.items(), ("Adagrad", lambda p: torch.optim.Adagrad(p, lr=0.3))]):
        shape, dtype = shapes[number], (torch.float64, torch.float32)[number % 2]
        n = math.prod(shape)
        B = torch.randn(n, n, generator=g, dtype=torch.float64).to(dtype)
        A = B @ B.T / n + torch.eye(n, dtype=dtype)
        place = torch.randn(shape, generator=g, dtype=torch.float64).to(dtype)
        what = f"{name}, start of shape {shape}, {str(dtype).removeprefix('torch.')}"
        wanted[what] = by_hand(A, place, make, 7)
        cases[what], befores[what] = place, place.clone()
        answers[what] = minimize(bowl(A), inplace(place), once(make, 7), 7)
    place = torch.randn(3, 2, generator=g).t()
    cases["transposed"], befores["transposed"] = place, place.clone()
    wanted["transposed"] = by_hand(2 * torch.eye(6), place, KINDS["SGD"], 3)
    answers["transposed"] = minimize(bowl(2 * torch.eye(6)), inplace(place), once(KINDS["SGD"], 3), 3)
    expect(cases, befores, f"start is left as it was: {len(cases)} optimizers, shapes and layouts", rtol=0, atol=0)
    for kind, rtol, atol in [(torch.float32, 1e-4, 1e-5), (torch.float64, 1e-9, 1e-10)]:
        some = {what: (path, values) for what, (path, values) in wanted.items() if path.dtype == kind}
        rounded = {what: (path.float().double(), values) for what, (path, values) in some.items()}
        expect(
            {what: answers[what] for what in some},
            some,
            f"places and values for each of them in {str(kind).removeprefix('torch.')}",
            mistakes={
                "The places have lost digits, because they were float32 on the way: use the dtype of start.": rounded
            }
            if kind == torch.float64
            else None,
            rtol=rtol,
            atol=atol,
        )
    flat = torch.zeros(2, seed // 10)
    answer = minimize(lambda z: (z * z).sum(), flat, once(KINDS["SGD"], 3), 3)
    expect(
        answer,
        (flat.expand(4, *flat.shape), [0.0] * 4),
        "a start at the lowest point: 3 steps all the same",
        mistakes={"It stops where the gradient is 0: take all the steps.": (flat[None], [0.0])},
    )


try_many(25)
### BEGIN HIDDEN TESTS
try_many(35)
### END HIDDEN TESTS


# %% folded label="The course's own version, if you need it"
def for_two_numbers(f, start, make_optimizer, steps):
    """Stands in for minimize: measures the slopes of a parabola along its two coordinates."""
    x = nn.Parameter(start.detach().clone())
    optimizer, path = make_optimizer([x]), [start.detach().clone()]
    east, north = torch.eye(2, dtype=start.dtype)
    for _ in range(steps):
        here = path[-1]
        x.grad = torch.stack([f(here + east) - f(here - east), f(here + north) - f(here - north)]) / 2
        optimizer.step()
        path.append(x.detach().clone())
    return torch.stack(path), [f(place).item() for place in path]


# %% [markdown]
# ## Momentum
#
# From here on we use a worse valley, a ravine that is 100 times as steep across as along:
#
# $$f(x) = \tfrac12 \left( x_1^2 + 100\, x_2^2 \right).$$
#
# The steep direction allows only learning rates below $2/100$. With 0.018, plain gradient descent loses 1.8 % of $x_1$ per step.
#
# The forgetful loop above had a good idea, taken too far: past gradients say something. Across the ravine they alternate in sign and
# cancel; along the floor they agree and add up. **Momentum** keeps a running sum $v$ in which the past fades, by a factor $\mu$ (usually
# 0.9) per step. With $g = \nabla f(x)$,
#
# $$v \leftarrow \mu\, v + g, \qquad x \leftarrow x - \eta\, v.$$
#
# If the gradient stays the same, $v$ approaches $g\,(1 + \mu + \mu^2 + \dots) = g/(1-\mu)$, which is $10\,g$ for $\mu = 0.9$:

# %%
v = 0.0
for step in range(1, 61):
    v = 0.9 * v + 1.0
    if step in (1, 2, 5, 10, 20, 40, 60):
        print(f"after {step:2} steps: v = {v:.3f} · g")

# %% [markdown]
# So along the floor, momentum takes steps that are up to ten times as long, at the same learning rate.
#
# **Before you run it:** both start at (−8, 1), with the same learning rate 0.018, and take 60 steps. How many of them does each need
# until the loss, 82 at the start, *stays* below 1?

# %% predict
start = torch.tensor([-8.0, 1.0], dtype=torch.float64)


def ravine(x):
    """½ (x₁² + 100 x₂²)"""
    return (x[0] ** 2 + 100 * x[1] ** 2) / 2


run = yours_or_ours(minimize, for_two_numbers, ravine, start, lambda p: torch.optim.SGD(p, lr=0.01), 2)
makers = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.018),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.018, momentum=0.9),
}
runs = {name: run(ravine, start, make, 60) for name, make in makers.items()}


def stays_below(values, level):
    """After how many steps the loss stays below a level, in words."""
    above = max(k for k, value in enumerate(values) if value >= level)
    return f"after {above + 1}" if above + 1 < len(values) else "not yet"


for name, (_, values) in runs.items():
    print(f"{name:9} stays below 1: {stays_below(values, 1)}; loss after 60 steps {values[-1]:.3f}")

# %% predict folded label="Draw both paths"
STYLES = {
    "SGD": {"color": INK, "marker": "o", "linestyle": "-"},
    "momentum": {"color": "#7B4FA3", "marker": "s", "linestyle": "-"},
    "RMSProp": {"color": "#A0522D", "marker": "^", "linestyle": "-"},
    "Adam": {"color": "#0B7A75", "marker": "D", "linestyle": "-"},
}
figure, axes = plt.subplots(2, 1, figsize=(6.4, 4.8), sharex=True, layout="constrained")
for ax, (name, (places, _)) in zip(axes, runs.items()):
    contours_of(ax, ravine, (-9, 3), (-1.2, 1.2))
    ax.plot(*places.T, **STYLES[name], markersize=3.5, linewidth=1.4)
    ax.set_title(f"{name}, 60 steps", fontsize=12)
axes[0].set_xlabel("")
show(
    figure,
    alt="Two paths of 60 steps in the ravine. Plain SGD jumps from side to side, less and less, and creeps along the floor; it ends well before the cross. Momentum swings more "
    "widely at first, then runs along the floor, past the cross and back to it.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Momentum needs 44. Plain SGD would need almost 100: once the swings have died down, its loss shrinks by less than 4 % per step. Momentum
# swings more at the start, because in the steep direction, too, gradients add up until they cancel. And it overshoots the lowest point and
# has to come back. Those are the two prices of momentum.
#
# </details>
#
# **Weight decay** pulls each number towards 0: it adds $\lambda\,x$ to the gradient before anything else happens. That is the gradient of
# an extra loss of $\frac{\lambda}{2} \lVert x \rVert^2$, which keeps the weights of a network small.
#
# **The API.** `torch.optim.SGD(parameters, lr, momentum=0, weight_decay=0)`. The optimizer keeps one $v$ for each parameter, with 0 at
# the start.
#
# ### Exercise: A step of SGD with momentum
#
# Write `momentum_step(w, grad, v, lr, momentum, weight_decay)`, one step for one parameter, which the code calls `w`:
#
# $$g = \mathtt{grad} + \lambda\, w, \qquad v \leftarrow \mu\, v + g, \qquad w \leftarrow w - \eta\, v.$$
#
# - `w`, `grad` and `v` have the same shape (any, even 0-d) and dtype (float32 or float64). `w` may be a leaf that requires a gradient,
#   or require none; that stays as it is. `grad` and `v` require none.
# - `w` and `v` change **in place**, in their own memory, and autograd records nothing: `v` still requires no gradient. None of the
#   tensors needs to be contiguous.
# - `grad` is left as it was. The function returns `None`.
# - Write the rule yourself, without `torch.optim` and without PyTorch's fused optimizer operations (`torch._fused_adam_` and the like).
#
# <details><summary>Hint 1: nothing is recorded</summary>
#
# Put the whole body into `with torch.no_grad():`, or write `@torch.no_grad()` on the line above `def`.
#
# </details>
#
# <details><summary>Hint 2: in place</summary>
#
# `v = momentum * v + g` gives the *name* `v` to a new tensor; the caller's tensor stays the same. `v *= …`, `v += …`, `v.mul_(…)`,
# `v.add_(…)` and `v.copy_(…)` write into the memory that is there.
#
# </details>


# %% exercise="momentum_step" difficulty=2 minutes=7
def momentum_step(
    w: torch.Tensor, grad: torch.Tensor, v: torch.Tensor, lr: float, momentum: float = 0.9, weight_decay: float = 0.0
) -> None:
    """One step of SGD with momentum; changes w and v in place.

    Args:
        w: the parameter, any shape.
        grad: the gradient of the loss with respect to w, same shape.
        v: the running sum of gradients, same shape.
        lr: the learning rate η.
        momentum: the factor μ.
        weight_decay: the factor λ.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        v *= momentum
        v += grad + weight_decay * w
        w -= lr * v
    ### END SOLUTION


# %% check="momentum_step" points=2
def by_torch(w, grad, v, lr, momentum=0.9, weight_decay=0.0, **more):
    """w and v after a step of torch.optim.SGD."""
    p = nn.Parameter(w.detach().clone())
    p.grad = grad.clone()
    optimizer = torch.optim.SGD([p], lr=lr, momentum=momentum, weight_decay=weight_decay, **more)
    optimizer.state[p]["momentum_buffer"] = v.clone()
    optimizer.step()
    return p.detach(), optimizer.state[p]["momentum_buffer"]


def whole_steps(seen):
    """The functions that torch.optim's optimizers call, or that take a whole step."""
    return [name for name in seen.functions if "record_function" in name or "fused" in name or name == "is_complex"]


w = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]]).requires_grad_()
grad = torch.tensor([[0.5, 1.0, -2.0], [-0.75, 0.25, 1.5]])
v = torch.tensor([[2.0, -1.0, 0.5], [1.0, -0.5, -3.0]])
w0, g0, v0 = w.detach().clone(), grad.clone(), v.clone()
old_w, old_v = w.detach(), v.detach()
with Watch(operations=False) as seen:
    result = momentum_step(inplace(w), inplace(grad), inplace(v), 0.1, 0.8, 0.3)
require(
    whole_steps(seen) == [],
    "the rule is your own, without torch.optim",
    "Your code lets torch.optim, or a fused operation, take the step.",
)
after = by_torch(w0, g0, v0, 0.1, 0.8, 0.3)
expect(
    grad,
    g0,
    "momentum_step(w, grad, v, 0.1, 0.8, 0.3) leaves grad as it was",
    mistakes={"You added the weight decay to grad itself: make a new tensor, grad + ….": g0 + 0.3 * w0},
)
expect(
    (w.detach(), v.detach()),
    after,
    "(w, v) after the step, for shape (2, 3)",
    mistakes={
        "Nothing has changed: `w = …` and `v = …` make new tensors. Write into the old ones.": (w0, v0),
        "w is right, but v is still the old one: write into v, too.": (after[0], v0),
        "v is right, but w is still the old one: write into w, too.": (w0, after[1]),
        "The weight decay is missing.": by_torch(w0, g0, v0, 0.1, 0.8),
        "The momentum is always 0.9: use the argument.": by_torch(w0, g0, v0, 0.1, 0.9, 0.3),
        "The gradient is not multiplied by 1 − μ here: v ← μ v + g.": by_torch(
            w0, g0, v0, 0.1, 0.8, 0.3, dampening=0.8
        ),
        "That is Nesterov's variant: subtract η v.": by_torch(w0, g0, v0, 0.1, 0.8, 0.3, nesterov=True),
        "You went uphill: subtract η v.": (2 * w0 - after[0], after[1]),
        "You changed w with the old v: change v first.": (w0 - 0.1 * v0, after[1]),
        "You subtracted η g: subtract η v.": (by_torch(w0, g0, 0 * v0, 0.1, 0.8, 0.3)[0], after[1]),
        "The learning rate is inside your v: there it fades with the past. It belongs in the step of w.": (
            w0 - (0.8 * v0 + 0.1 * (after[1] - 0.8 * v0)),
            0.8 * v0 + 0.1 * (after[1] - 0.8 * v0),
        ),
        "The weight decay belongs in g, before v: here it only shrinks w.": (
            by_torch(w0, g0, v0, 0.1, 0.8)[0] - 0.1 * 0.3 * w0,
            by_torch(w0, g0, v0, 0.1, 0.8)[1],
        ),
    },
)
expect(
    (old_w, old_v),
    after,
    "(w, v), each changed in its own memory",
    mistakes={
        "w and v have new memory: `w.data = …` and `v.data = …` exchange it. Write into the old memory.": (w0, v0),
        "w has new memory: `w.data = …` exchanges it. Write into the old memory.": (w0, after[1]),
        "v has new memory: `v.data = …` exchanges it. Write into the old memory.": (after[0], v0),
    },
)
require(not v.requires_grad, "v requires no gradient", "Autograd has recorded your computation: use torch.no_grad().")
require(w.is_leaf and w.requires_grad, "w is still a leaf that requires a gradient", "It no longer is.")
expect(result, None, "momentum_step returns None")


def try_many(seed):
    g = torch.Generator().manual_seed(seed)
    names = "w", "grad", "v"
    kinds = {
        "float32": lambda *shape: torch.randn(shape, generator=g),
        "float64": lambda *shape: torch.randn(shape, generator=g, dtype=torch.float64),
        "float32, transposed": lambda n, m: torch.randn(m, n, generator=g).t(),
        "float64, every second number": lambda n: torch.randn(2 * n, generator=g, dtype=torch.float64)[::2],
    }
    settings = [(0.1, 0.9, 0.0), (0.05, 0.5, 0.2), (1.0, 0.99, 0.01), (0.3, 0.7, 1.0)]
    cases = [
        ("float32", (5,)),
        ("float64", (2, 3)),
        ("float32, transposed", (3, 2)),
        ("float64, every second number", (4,)),
        ("float64", ()),
        ("float32", (2, 1, 3)),
    ]
    found, wanted, grads, befores, recorded, used, switched = {}, {}, {}, {}, [], [], []
    for number, (kind, shape) in enumerate(cases):
        lr, momentum, decay = settings[(number + 1) % 4]
        w, grad, v = (kinds[kind](*shape) for _ in names)
        w.requires_grad_(number % 2 == 0)
        needed = w.requires_grad
        if number > 3:
            v.zero_()  # as before the first step
        what = f"{kind}, shape {shape}, lr {lr}, momentum {momentum}, weight decay {decay}"
        old_w, old_v, grads[what], befores[what] = w.detach(), v.detach(), grad, grad.clone()
        wanted[what] = []
        for _ in range(3):
            wanted[what].append(by_torch(w, grad, v, lr, momentum, decay))
            with Watch(operations=False) as seen:
                momentum_step(inplace(w), inplace(grad), inplace(v), lr, momentum, decay)
            used += whole_steps(seen)
            found.setdefault(what, []).append((old_w.clone(), old_v.clone()))
        recorded += [what] * v.requires_grad
        switched += [what] * (w.requires_grad != needed)
    expect(grads, befores, f"grad is left as it was: {len(cases)} shapes, dtypes and layouts", rtol=0, atol=0)
    for kind, rtol, atol in [("float32", 1e-5, 1e-6), ("float64", 1e-9, 1e-10)]:
        some = [what for what in found if kind in what]
        expect(
            {what: found[what] for what in some},
            {what: wanted[what] for what in some},
            f"w and v in three steps for each of them in {kind}, as torch.optim.SGD takes them",
            rtol=rtol,
            atol=atol,
        )
    require(
        switched == [],
        "w requires a gradient, or not, as before",
        f"You switched it on or off, for {'; '.join(switched[:1])}.",
    )
    require(used == [], "the rule is your own in all of them", "torch.optim, or a fused operation, takes the step.")
    require(recorded == [], "v requires no gradient for any of them", f"It does for {'; '.join(recorded[:1])}.")
    w, grad, v = (torch.randn(4, generator=g) for _ in names)
    start, slope = w.clone(), grad.clone()
    momentum_step(inplace(w), grad, inplace(v), 0.2, 0.0, 0.0)
    expect((w, v), (by_torch(start, slope, 0 * v, 0.2)[0], slope), "momentum=0, weight_decay=0: plain gradient descent")
    w, grad, v = torch.randn(4, generator=g), torch.zeros(4), torch.randn(4, generator=g)
    before, after = (w.clone(), v.clone()), by_torch(w, grad, v, 0.2)
    momentum_step(inplace(w), grad, inplace(v), lr=0.2)
    expect(
        (w, v),
        after,
        "the defaults (momentum 0.9, no weight decay), where the gradient is 0",
        mistakes={"You take no step where the gradient is 0: v fades there, and w goes on with it.": before},
    )


try_many(26)
### BEGIN HIDDEN TESTS
try_many(36)
### END HIDDEN TESTS

# %% [markdown]
# ## RMSProp: a step size for each number
#
# Momentum has one learning rate for all numbers. **RMSProp** gives each its own. It keeps a running mean $s$ of the *squared* gradients,
# and divides each gradient by $\sqrt{s}$, the gradient's typical size. With $\alpha = 0.99$ (not the step length of the line search) and a
# tiny $\varepsilon = 10^{-8}$ against division by zero:
#
# $$s \leftarrow \alpha\, s + (1 - \alpha)\, g^2, \qquad x \leftarrow x - \eta\, \frac{g}{\sqrt{s} + \varepsilon}.$$
#
# All operations are element by element.
#
# **Before you run it:** two numbers, both 0 at the start, always have the gradients 1000 and 0.001. How far does each move in the first
# step with SGD and with RMSProp, for $\eta = 0.01$? ($s$ starts at 0, and $\alpha$ is 0.99.)

# %% predict
gradients = torch.tensor([1000.0, 0.001])
for make in (torch.optim.SGD, torch.optim.RMSprop):
    x = torch.zeros(2, requires_grad=True)
    optimizer = make([x], lr=0.01)
    moved = []
    for _ in range(3):
        before = x.detach().clone()
        x.grad = gradients.clone()
        optimizer.step()
        moved.append([float(f"{distance:.4g}") for distance in (before - x.detach()).tolist()])
    print(f"{make.__name__:8} first three steps: {moved}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# SGD moves by $\eta g$: 10 and 0.00001. With RMSProp, the size of the gradient cancels: in the first step $s = 0.01\,g^2$, so
# $g/\sqrt{s} = 1/\sqrt{0.01} = 10$, and *both* numbers move by $10\,\eta = 0.1$. (For the small one, $\varepsilon$ takes off a
# ten-thousandth.) The second step divides by $\sqrt{0.0199}$, and so on: while $s$ fills up, the steps shrink towards $\eta$. So in a steep
# direction the gradients are large, but so is their root mean square.
#
# </details>
#
# **The API.** `torch.optim.RMSprop(parameters, lr=0.01, alpha=0.99, eps=1e-08, weight_decay=0)`.
#
# ### Exercise: A step of RMSProp
#
# Write `rmsprop_step(w, grad, s, lr, alpha, eps, weight_decay)`, one step for one parameter, with $g = \mathtt{grad} + \lambda\,w$ as
# before.
#
# - `w`, `grad` and `s` have the same shape (any, even 0-d) and dtype (float32 or float64). `s` is nowhere negative. `w` may be a leaf
#   that requires a gradient, or require none; that stays as it is. `grad` and `s` require none.
# - `w` and `s` change **in place**, in their own memory, and autograd records nothing: `s` still requires no gradient. None of the
#   tensors needs to be contiguous.
# - `grad` is left as it was. The function returns `None`.
# - Write the rule yourself, without `torch.optim` and without PyTorch's fused optimizer operations (`torch._fused_adam_` and the like).
#
# <details><summary>Hint 1: which comes first?</summary>
#
# First $g$, then $s$, then $w$, which uses the new $s$.
#
# </details>
#
# <details><summary>Hint 2: where is the ε?</summary>
#
# It is added *after* the root: $\sqrt{s} + \varepsilon$, not $\sqrt{s + \varepsilon}$. For an $\varepsilon$ of $10^{-8}$, the second
# would divide by at least $10^{-4}$.
#
# </details>


# %% exercise="rmsprop_step" difficulty=2 minutes=6
def rmsprop_step(
    w: torch.Tensor,
    grad: torch.Tensor,
    s: torch.Tensor,
    lr: float = 0.01,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """One step of RMSProp; changes w and s in place.

    Args:
        w: the parameter, any shape.
        grad: the gradient of the loss with respect to w, same shape.
        s: the running mean of squared gradients, same shape.
        lr: the learning rate η.
        alpha: how much of the old s remains.
        eps: what is added to the root.
        weight_decay: the factor λ.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        g = grad + weight_decay * w
        s *= alpha
        s += (1 - alpha) * g**2
        w -= lr * g / (s.sqrt() + eps)
    ### END SOLUTION


# %% check="rmsprop_step" points=2
def by_torch(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, **more):
    """w and s after a step of torch.optim.RMSprop."""
    p = nn.Parameter(w.detach().clone())
    p.grad = grad.clone()
    optimizer = torch.optim.RMSprop([p], lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, **more)
    optimizer.step()  # which creates the state
    optimizer.state[p]["square_avg"].copy_(s)
    with torch.no_grad():
        p.copy_(w)
    optimizer.step()
    return p.detach(), optimizer.state[p]["square_avg"]


def whole_steps(seen):
    """The functions that torch.optim's optimizers call, or that take a whole step."""
    return [name for name in seen.functions if "record_function" in name or "fused" in name or name == "is_complex"]


w = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]]).requires_grad_()
grad = torch.tensor([[0.5, 1.0, -2.0], [-0.75, 0.25, 1.5]])
s = torch.tensor([[2.0, 1.0, 0.5], [0.125, 4.0, 3.0]])
w0, g0, s0 = w.detach().clone(), grad.clone(), s.clone()
old_w, old_s = w.detach(), s.detach()
with Watch(operations=False) as seen:
    result = rmsprop_step(inplace(w), inplace(grad), inplace(s), 0.1, 0.8, 0.01, 0.3)
require(
    whole_steps(seen) == [],
    "the rule is your own, without torch.optim",
    "Your code lets torch.optim, or a fused operation, take the step.",
)
after = by_torch(w0, g0, s0, 0.1, 0.8, 0.01, 0.3)
expect(
    grad,
    g0,
    "rmsprop_step(w, grad, s, 0.1, 0.8, 0.01, 0.3) leaves grad as it was",
    mistakes={
        "You added the weight decay to grad itself: make a new tensor, grad + ….": g0 + 0.3 * w0,
        "You squared grad itself: make a new tensor, grad**2.": g0**2,
    },
)
inside, inside_root = after[1] + 0.01, after[1].sqrt() + 0.01
sums = 0.8 * s0 + 0.2 * (g0 + 0.3 * w0).abs()
not_squared = w0 + (after[0] - w0) * inside_root / (sums.sqrt() + 0.01), sums
expect(
    (w.detach(), s.detach()),
    after,
    "(w, s) after the step, for shape (2, 3)",
    mistakes={
        "Nothing has changed: `w = …` and `s = …` make new tensors. Write into the old ones.": (w0, s0),
        "w is right, but s is still the old one: write into s, too.": (after[0], s0),
        "s is right, but w is still the old one: write into w, too.": (w0, after[1]),
        "The weight decay is missing.": by_torch(w0, g0, s0, 0.1, 0.8, 0.01),
        "α is always 0.99: use the argument.": by_torch(w0, g0, s0, 0.1, 0.99, 0.01, 0.3),
        "α and 1 − α are exchanged: α is the part of the old s that remains.": by_torch(
            w0, g0, s0, 0.1, 0.2, 0.01, 0.3
        ),
        "ε is always 1e-8: use the argument.": by_torch(w0, g0, s0, 0.1, 0.8, 1e-8, 0.3),
        "ε belongs outside the root: √s + ε.": (
            w0 + (after[0] - w0) * (after[1].sqrt() + 0.01) / inside.sqrt(),
            after[1],
        ),
        "The root is missing: divide by √s + ε.": (
            w0 + (after[0] - w0) * (after[1].sqrt() + 0.01) / (after[1] + 0.01),
            after[1],
        ),
        "You went uphill: subtract.": (2 * w0 - after[0], after[1]),
        "ε is added to the quotient: write g / (s.sqrt() + eps), with brackets.": (
            w0 + (after[0] - w0) * inside_root / after[1].sqrt() - 0.1 * 0.01,
            after[1],
        ),
        "s takes the squares of the gradients: yours takes their absolute values.": not_squared,
        "You changed w with the old s: change s first.": (
            w0 + (after[0] - w0) * (after[1].sqrt() + 0.01) / (s0.sqrt() + 0.01),
            after[1],
        ),
        "The weight decay belongs in g as well where w changes.": (
            w0 - 0.1 * g0 / (after[1].sqrt() + 0.01),
            after[1],
        ),
        "The weight decay belongs in g, which s sees, too: here it only shrinks w.": (
            by_torch(w0, g0, s0, 0.1, 0.8, 0.01)[0] - 0.1 * 0.3 * w0,
            by_torch(w0, g0, s0, 0.1, 0.8, 0.01)[1],
        ),
        "The new squares count in full: multiply them by 1 − α.": (
            w0 + (after[0] - w0) * (after[1].sqrt() + 0.01) / ((after[1] - 0.8 * s0) / 0.2 + 0.8 * s0).sqrt().add(0.01),
            (after[1] - 0.8 * s0) / 0.2 + 0.8 * s0,
        ),
    },
)
expect(
    (old_w, old_s),
    after,
    "(w, s), each changed in its own memory",
    mistakes={
        "w and s have new memory: `w.data = …` and `s.data = …` exchange it. Write into the old memory.": (w0, s0),
        "w has new memory: `w.data = …` exchanges it. Write into the old memory.": (w0, after[1]),
        "s has new memory: `s.data = …` exchanges it. Write into the old memory.": (after[0], s0),
    },
)
require(not s.requires_grad, "s requires no gradient", "Autograd has recorded your computation: use torch.no_grad().")
require(w.is_leaf and w.requires_grad, "w is still a leaf that requires a gradient", "It no longer is.")
expect(result, None, "rmsprop_step returns None")
w, grad, s = torch.zeros(3), torch.tensor([1e-9, -1e-6, 0.0]), torch.zeros(3)
after = by_torch(w, grad, s)
rmsprop_step(inplace(w), grad, inplace(s))
expect(w, after[0], "the defaults, with tiny gradients and one that is 0", rtol=1e-4, atol=1e-9)


def try_many(seed):
    g = torch.Generator().manual_seed(seed)
    kinds = {
        "float32": lambda *shape: torch.randn(shape, generator=g),
        "float64": lambda *shape: torch.randn(shape, generator=g, dtype=torch.float64),
        "float32, transposed": lambda n, m: torch.randn(m, n, generator=g).t(),
        "float64, every second number": lambda n: torch.randn(2 * n, generator=g, dtype=torch.float64)[::2],
    }
    settings = [(0.1, 0.9, 1e-8, 0.0), (0.05, 0.5, 0.1, 0.2), (1.0, 0.99, 1e-3, 0.01), (0.3, 0.7, 1.0, 1.0)]
    cases = [
        ("float32", (5,)),
        ("float64", (2, 3)),
        ("float32, transposed", (3, 2)),
        ("float64, every second number", (4,)),
        ("float64", ()),
        ("float32", (2, 1, 3)),
    ]
    found, wanted, grads, befores, recorded, used, switched = {}, {}, {}, {}, [], [], []
    for number, (kind, shape) in enumerate(cases):
        w, grad, s = kinds[kind](*shape), kinds[kind](*shape), kinds[kind](*shape)
        s.pow_(2)
        w.requires_grad_(number % 2 == 0)
        needed = w.requires_grad
        what = f"{kind}, shape {shape}, (lr, alpha, eps, weight decay) = {settings[(number + 1) % 4]}"
        old_w, old_s, grads[what], befores[what] = w.detach(), s.detach(), grad, grad.clone()
        wanted[what] = []
        for _ in range(3):
            wanted[what].append(by_torch(w, grad, s, *settings[(number + 1) % 4]))
            with Watch(operations=False) as seen:
                rmsprop_step(inplace(w), inplace(grad), inplace(s), *settings[(number + 1) % 4])
            used += whole_steps(seen)
            found.setdefault(what, []).append((old_w.clone(), old_s.clone()))
        recorded += [what] * s.requires_grad
        switched += [what] * (w.requires_grad != needed)
    expect(grads, befores, f"grad is left as it was: {len(cases)} shapes, dtypes and layouts", rtol=0, atol=0)
    for kind, rtol, atol in [("float32", 1e-5, 1e-6), ("float64", 1e-9, 1e-10)]:
        some = [what for what in found if kind in what]
        expect(
            {what: found[what] for what in some},
            {what: wanted[what] for what in some},
            f"w and s in three steps for each of them in {kind}, as torch.optim.RMSprop takes them",
            rtol=rtol,
            atol=atol,
        )
    require(
        switched == [],
        "w requires a gradient, or not, as before",
        f"You switched it on or off, for {'; '.join(switched[:1])}.",
    )
    require(used == [], "the rule is your own in all of them", "torch.optim, or a fused operation, takes the step.")
    require(recorded == [], "s requires no gradient for any of them", f"It does for {'; '.join(recorded[:1])}.")
    w, grad, s = torch.randn(4, generator=g), torch.randn(4, generator=g), torch.rand(4, generator=g) + 1
    grad[1::2] = 0.0
    old_s, after = s.clone(), by_torch(w, grad, s)
    rmsprop_step(inplace(w), grad, inplace(s))
    expect(
        (w, s),
        after,
        "the defaults (lr 0.01, alpha 0.99, eps 1e-8, no weight decay), where some gradients are 0",
        mistakes={
            "You leave out the numbers whose gradient is 0: their s must shrink, too.": (
                after[0],
                torch.where(grad == 0, old_s, after[1]),
            )
        },
    )


try_many(27)
### BEGIN HIDDEN TESTS
try_many(37)
### END HIDDEN TESTS

# %% [markdown]
# ## Adam: both at once
#
# **Adam** keeps two running means: $m$ of the gradients, like momentum, and $v$ of their squares, like RMSProp (so this $v$ is not
# momentum's). Both start at 0. The step uses them after a **bias correction**, as $\hat m$ and $\hat v$. In step $t = 1, 2, 3, \dots$:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2,$$
#
# $$\hat m = \frac{m}{1 - \beta_1^t}, \qquad \hat v = \frac{v}{1 - \beta_2^t}, \qquad x \leftarrow x - \eta\, \frac{\hat m}{\sqrt{\hat v} + \varepsilon}.$$
#
# The defaults are $\beta_1 = 0.9$, $\beta_2 = 0.999$, $\varepsilon = 10^{-8}$ and $\eta = 0.001$.
#
# **Before you run it:** again two numbers with the constant gradients 1000 and 0.001. How far does Adam move each of them in its first
# steps, for $\eta = 0.01$? And without the correction, that is, with $m$ and $v$ in place of $\hat m$ and $\hat v$?

# %% predict
x = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.Adam([x], lr=0.01)
for step in (1, 2, 3):
    before = x.detach().clone()
    x.grad = gradients.clone()
    optimizer.step()
    m, v = optimizer.state[x]["exp_avg"], optimizer.state[x]["exp_avg_sq"]
    moved = [round(distance, 4) for distance in (before - x.detach()).tolist()]
    without = [round(distance, 4) for distance in (0.01 * m / (v.sqrt() + 1e-8)).tolist()]
    print(f"step {step}: moved by {moved}, without the correction it would be {without}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# At first, $m$ and $v$ are far too small, because they start at 0. The correction makes up for it: for a constant gradient, $\hat m = g$
# and $\hat v = g^2$ from the first step on, so each number moves by $\eta$, whatever the size of its gradient. Without the correction,
# the first step has $m = 0.1\,g$ and $\sqrt{v} = \sqrt{0.001}\,|g| \approx 0.032\,|g|$: three
# times too far, and farther in the steps after it, because $v$ fills up a hundred times as slowly as $m$.
#
# </details>
#
# **The API.** `torch.optim.Adam(parameters, lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0)`. Here, too, weight decay adds
# $\lambda x$ to the gradient. Adam then divides it by $\sqrt{\hat v}$ with the rest, so it pulls on numbers with small
# gradients most. `torch.optim.AdamW`, which is used for large language models, keeps it out of $m$ and $v$ and multiplies $x$ by
# $1 - \eta\lambda$ instead.
#
# ### Exercise: A step of Adam
#
# Write `adam_step(w, grad, m, v, t, lr, betas, eps, weight_decay)`, one step of Adam (not AdamW) for one parameter, with
# $g = \mathtt{grad} + \lambda\,w$. `t` is the number of this step; the first is 1.
#
# - `w`, `grad`, `m` and `v` have the same shape (any, even 0-d) and dtype (float32 or float64). `v` is nowhere negative. `w` may be a
#   leaf that requires a gradient, or require none; that stays as it is. `grad`, `m` and `v` require none.
# - `w`, `m` and `v` change **in place**, in their own memory, and autograd records nothing: `m` and `v` still require no gradient. None
#   of the tensors needs to be contiguous.
# - What you write into `m` and `v` is **not** corrected: the correction is made anew in each step.
# - `grad` is left as it was. The function returns `None`.
# - Write the rule yourself, without `torch.optim` and without PyTorch's fused optimizer operations (`torch._fused_adam_` and the like).
#
# <details><summary>Hint 1: the order</summary>
#
# First $g$, then $m$ and $v$ in place, then the corrected values as *new* tensors, then $w$.
#
# </details>
#
# <details><summary>Hint 2: the numbers from torch.optim differ in the fourth digit</summary>
#
# Is $\varepsilon$ added after the root, and after $v$ is corrected? Does the correction use `t` as it is, 1 in the first step?
#
# </details>


# %% exercise="adam_step" difficulty=3 minutes=10
def adam_step(
    w: torch.Tensor,
    grad: torch.Tensor,
    m: torch.Tensor,
    v: torch.Tensor,
    t: int,
    lr: float = 0.001,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """One step of Adam; changes w, m and v in place.

    Args:
        w: the parameter, any shape.
        grad: the gradient of the loss with respect to w, same shape.
        m, v: the running means of gradients and of squared gradients, same shape.
        t: the number of this step, from 1 on.
        lr: the learning rate η.
        betas: how much of the old m and v remains.
        eps: what is added to the root.
        weight_decay: the factor λ.
    """
    ### BEGIN SOLUTION
    with torch.no_grad():
        g = grad + weight_decay * w
        m *= betas[0]
        m += (1 - betas[0]) * g
        v *= betas[1]
        v += (1 - betas[1]) * g**2
        corrected_m = m / (1 - betas[0] ** t)
        corrected_v = v / (1 - betas[1] ** t)
        w -= lr * corrected_m / (corrected_v.sqrt() + eps)
    ### END SOLUTION


# %% check="adam_step" points=3
def by_torch(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, kind=torch.optim.Adam):
    """w, m and v after a step of torch.optim's Adam or AdamW."""
    p = nn.Parameter(w.detach().clone())
    p.grad = grad.clone()
    optimizer = kind([p], lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
    optimizer.step()  # which creates the state
    state = optimizer.state[p]
    state["exp_avg"].copy_(m)
    state["exp_avg_sq"].copy_(v)
    state["step"].fill_(t - 1)
    with torch.no_grad():
        p.copy_(w)
    optimizer.step()
    return p.detach(), state["exp_avg"], state["exp_avg_sq"]


def whole_steps(seen):
    """The functions that torch.optim's optimizers call, or that take a whole step."""
    return [name for name in seen.functions if "record_function" in name or "fused" in name or name == "is_complex"]


w = torch.tensor([[1.0, -2.0, 0.5], [0.25, 3.0, -1.5]]).requires_grad_()
grad = torch.tensor([[0.5, 1.0, -2.0], [-0.75, 0.25, 1.5]])
m = torch.tensor([[0.5, -1.0, 0.25], [1.0, -0.5, -2.0]])
v = torch.tensor([[2.0, 1.0, 0.5], [0.125, 4.0, 3.0]])
w0, g0, m0, v0 = w.detach().clone(), grad.clone(), m.clone(), v.clone()
old_w, old_m, old_v = w.detach(), m.detach(), v.detach()
options = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.3}
with Watch(operations=False) as seen:
    result = adam_step(inplace(w), inplace(grad), inplace(m), inplace(v), 3, **options)
require(
    whole_steps(seen) == [],
    "the rule is your own, without torch.optim",
    "Your code lets torch.optim, or a fused operation, take the step.",
)
after = by_torch(w0, g0, m0, v0, 3, **options)
expect(
    grad,
    g0,
    "adam_step(w, grad, m, v, 3, lr=0.1, betas=(0.8, 0.95), eps=0.01, weight_decay=0.3) leaves grad as it was",
    mistakes={"You added the weight decay to grad itself: make a new tensor, grad + ….": g0 + 0.3 * w0},
)


def other(t=3, kind=torch.optim.Adam, **changed):
    return by_torch(w0, g0, m0, v0, t, **options | changed, kind=kind)


def with_step(step):
    """As it should be, with another step of w."""
    return w0 - 0.1 * step, *after[1:]


fade_m, fade_v = 1 - 0.8**3, 1 - 0.95**3
hat_m, hat_v = after[1] / fade_m, after[2] / fade_v
expect(
    (w.detach(), m.detach(), v.detach()),
    after,
    "(w, m, v) after the step, for shape (2, 3)",
    mistakes={
        "Nothing has changed: `w = …` makes a new tensor. Write into the old ones.": (w0, m0, v0),
        "w is right, but m and v are still the old ones: write into them, too.": (after[0], m0, v0),
        "m and v are right, but w is still the old one: write into w, too.": (w0, *after[1:]),
        "m and v hold the corrected values: the correction must be made anew in each step.": (after[0], hat_m, hat_v),
        "The weight decay is missing.": other(weight_decay=0.0),
        "That is AdamW: here the weight decay is a part of g.": other(kind=torch.optim.AdamW),
        "The bias correction is missing.": other(10**6),
        "The correction uses t − 1: the first step has t = 1.": other(2),
        "The correction uses t + 1: t is already the number of this step.": other(4),
        "β₁ and β₂ are exchanged.": other(betas=(0.95, 0.8)),
        "β₁ and β₂ are always 0.9 and 0.999: use the argument.": other(betas=(0.9, 0.999)),
        "ε is always 1e-8: use the argument.": other(eps=1e-8),
        "ε belongs outside the root: √v̂ + ε.": with_step(hat_m / (hat_v + 0.01).sqrt()),
        "The root is missing.": with_step(hat_m / (hat_v + 0.01)),
        "Only m is corrected: v must be corrected, too.": with_step(hat_m / (after[2].sqrt() + 0.01)),
        "Only v is corrected: m must be corrected, too.": with_step(after[1] / (hat_v.sqrt() + 0.01)),
        "The root of v is taken before it is corrected: correct v, then take the root.": with_step(
            hat_m / (after[2].sqrt() / fade_v + 0.01)
        ),
        "The power is missing: the divisor is 1 − βᵗ.": with_step(after[1] / 0.2 / ((after[2] / 0.05).sqrt() + 0.01)),
        "You went uphill: subtract.": (2 * w0 - after[0], *after[1:]),
    },
)
expect(
    (old_w, old_m, old_v),
    after,
    "(w, m, v), each changed in its own memory",
    mistakes={
        "w has new memory: `w.data = …` exchanges it. Write into the old memory.": (w0, *after[1:]),
        "m and v have new memory: `.data = …` exchanges it. Write into the old memory.": (after[0], m0, v0),
        "All three have new memory: `.data = …` exchanges it. Write into the old memory.": (w0, m0, v0),
    },
)
require(
    not m.requires_grad and not v.requires_grad,
    "m and v require no gradient",
    "Autograd has recorded your computation: use torch.no_grad().",
)
require(w.is_leaf and w.requires_grad, "w is still a leaf that requires a gradient", "It no longer is.")
expect(result, None, "adam_step returns None")
w, grad, m, v = torch.zeros(4), torch.tensor([1000.0, -0.001, 1e-8, 0.0]), torch.zeros(4), torch.zeros(4)
after = by_torch(w, grad, m, v, 1)
adam_step(inplace(w), grad, inplace(m), inplace(v), 1)
expect(
    w,
    after[0],
    "the first step from zero with the defaults: large, small and tiny gradients, and 0",
    rtol=1e-4,
    atol=1e-9,
)


def try_many(seed):
    g = torch.Generator().manual_seed(seed)
    kinds = {
        "float32": lambda *shape: torch.randn(shape, generator=g),
        "float64": lambda *shape: torch.randn(shape, generator=g, dtype=torch.float64),
        "float32, transposed": lambda n, m: torch.randn(m, n, generator=g).t(),
        "float64, every second number": lambda n: torch.randn(2 * n, generator=g, dtype=torch.float64)[::2],
    }
    settings = [
        {"lr": 0.1},
        {"lr": 0.05, "betas": (0.5, 0.9), "eps": 0.1, "weight_decay": 0.2},
        {"lr": 1.0, "betas": (0.95, 0.5), "eps": 1e-3, "weight_decay": 0.01},
        {"lr": 0.3, "betas": (0.7, 0.99), "eps": 1.0, "weight_decay": 1.0},
    ]
    cases = [
        ("float32", (5,)),
        ("float64", (2, 3)),
        ("float32, transposed", (3, 2)),
        ("float64, every second number", (4,)),
        ("float64", ()),
        ("float32", (2, 1, 3)),
    ]
    found, wanted, grads, befores, recorded, used, switched = {}, {}, {}, {}, [], [], []
    for number, (kind, shape) in enumerate(cases):
        w, grad, m, v = (kinds[kind](*shape) for _ in range(4))
        v.pow_(2)
        if number > 3:
            m.zero_(), v.zero_()
        w.requires_grad_(number % 2 == 0)
        needed = w.requires_grad
        what = f"{kind}, shape {shape}, {settings[(number + 1) % 4]}"
        mine, grads[what], befores[what] = (w.detach(), m.detach(), v.detach()), grad, grad.clone()
        wanted[what] = []
        first = 1 if number > 3 else (1, 2, 10, 1000)[number]
        for t in range(first, first + 3):
            wanted[what].append(by_torch(w, grad, m, v, t, **settings[(number + 1) % 4]))
            with Watch(operations=False) as seen:
                adam_step(inplace(w), inplace(grad), inplace(m), inplace(v), t, **settings[(number + 1) % 4])
            used += whole_steps(seen)
            found.setdefault(what, []).append(tuple(one.clone() for one in mine))
        recorded += [what] * (m.requires_grad or v.requires_grad)
        switched += [what] * (w.requires_grad != needed)
    expect(grads, befores, f"grad is left as it was: {len(cases)} shapes, dtypes and layouts", rtol=0, atol=0)
    for kind, rtol, atol in [("float32", 1e-5, 1e-6), ("float64", 1e-9, 1e-10)]:
        some = [what for what in found if kind in what]
        expect(
            {what: found[what] for what in some},
            {what: wanted[what] for what in some},
            f"w, m and v in three steps for each of them in {kind}, as torch.optim.Adam takes them",
            rtol=rtol,
            atol=atol,
        )
    require(
        switched == [],
        "w requires a gradient, or not, as before",
        f"You switched it on or off, for {'; '.join(switched[:1])}.",
    )
    require(used == [], "the rule is your own in all of them", "torch.optim, or a fused operation, takes the step.")
    require(recorded == [], "m and v require no gradient for any of them", f"They do for {'; '.join(recorded[:1])}.")
    w, grad, m = (torch.randn(4, generator=g) for _ in range(3))
    v, late = torch.rand(4, generator=g) + 1, {"lr": 0.1, "betas": (0.9, 0.9999)}
    grad[1::2] = 0.0
    still, before = grad == 0, (w.clone(), m.clone(), v.clone())
    after = by_torch(w, grad, m, v, 5000, **late)
    uncorrected = by_torch(w, grad, m, v, 10**6, **late)
    adam_step(inplace(w), grad, inplace(m), inplace(v), 5000, **late)
    expect(
        (w, m, v),
        after,
        "step 5000 with β₂ = 0.9999, where some gradients are 0",
        mistakes={
            "You leave out the numbers whose gradient is 0: their m and v must fade, and w goes on with m.": tuple(
                torch.where(still, old, new) for old, new in zip(before, after)
            ),
            "The correction is missing in late steps: it is needed in every step.": uncorrected,
        },
    )


try_many(28)
### BEGIN HIDDEN TESTS
try_many(38)
### END HIDDEN TESTS


# %% folded label="The course's own steps, if you need them"
def take_step(optimizer, p, w, grad, state):
    """A step of one of torch's optimizers on p, whose state is given and kept; the result goes into w."""
    p.grad = grad.clone()
    optimizer.step()  # which creates the state
    kept = optimizer.state[p]
    state = {name: value for name, value in state.items() if name in kept}  # without momentum, there is no buffer
    for name, value in state.items():
        kept[name].copy_(value) if isinstance(value, torch.Tensor) else kept[name].fill_(value)
    p.data.copy_(w.detach())
    optimizer.step()
    w.data.copy_(p.data)
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            value.copy_(kept[name])


def torch_momentum_step(w, grad, v, lr, momentum=0.9, weight_decay=0.0):
    p = nn.Parameter(w.detach().clone())
    take_step(torch.optim.SGD([p], lr, momentum, weight_decay=weight_decay), p, w, grad, {"momentum_buffer": v})


def torch_rmsprop_step(w, grad, s, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0):
    p = nn.Parameter(w.detach().clone())
    take_step(torch.optim.RMSprop([p], lr, alpha, eps, weight_decay), p, w, grad, {"square_avg": s})


def torch_adam_step(w, grad, m, v, t, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    p = nn.Parameter(w.detach().clone())
    state = {"exp_avg": m, "exp_avg_sq": v, "step": t - 1}
    take_step(torch.optim.Adam([p], lr, betas, eps, weight_decay), p, w, grad, state)


# %% [markdown]
# ## Your rules as optimizers
#
# What is missing to make an optimizer of your steps? Something that remembers `v`, `s`, `m` and `t` for each parameter from one step to
# the next. `torch.optim.Optimizer` is the class for that: it has `zero_grad`, and a dictionary `self.state`
# with an entry for each parameter. We add `step`:


# %% yours
class Handmade(torch.optim.Optimizer):
    """An optimizer whose rule is a function: rule(w, grad, *memories, t), with `count` memories per parameter."""

    def __init__(self, parameters, rule, count):
        super().__init__(parameters, {})
        self.rule, self.count = rule, count

    def step(self):
        for w in self.param_groups[0]["params"]:
            state = self.state[w]
            if not state:
                state.update(t=0, memories=[torch.zeros_like(w.detach()) for _ in range(self.count)])
            state["t"] += 1
            self.rule(w, w.grad, *state["memories"], state["t"])


w, grad, zero = torch.ones(2), torch.tensor([0.5, -2.0]), torch.zeros(2)
my_momentum = yours_or_ours(momentum_step, torch_momentum_step, w, grad, zero, 0.1)
my_rmsprop = yours_or_ours(rmsprop_step, torch_rmsprop_step, w, grad, zero, 0.1)
my_adam = yours_or_ours(adam_step, torch_adam_step, w, grad, zero, zero.clone(), 1)

handmade = {
    "SGD": lambda p, lr=0.018: Handmade(p, lambda w, g, v, t: my_momentum(w, g, v, lr, momentum=0.0), 1),
    "momentum": lambda p, lr=0.018: Handmade(p, lambda w, g, v, t: my_momentum(w, g, v, lr), 1),
    "RMSProp": lambda p, lr=0.2, alpha=0.9: Handmade(p, lambda w, g, s, t: my_rmsprop(w, g, s, lr, alpha), 1),
    "Adam": lambda p, lr=0.5: Handmade(p, lambda w, g, m, v, t: my_adam(w, g, m, v, t, lr), 2),
}
theirs = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.018),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.018, momentum=0.9),
    "RMSProp": lambda p: torch.optim.RMSprop(p, lr=0.2, alpha=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.5),
}
for name in handmade:
    mine, torchs = (run(ravine, start, make[name], 60)[0] for make in (handmade, theirs))
    print(
        f"{name:9} 60 steps, yours and torch.optim's agree to 1e-9: {torch.allclose(mine, torchs, rtol=0, atol=1e-9)}"
    )

# %% [markdown]
# ### The race
#
# All four start at (−8, 1) in the ravine and take 60 steps, with learning rates that suit them: 0.018 for SGD and momentum, 0.2 for
# RMSProp and 0.5 for Adam.
#
# **Before you run it:** whose loss stays below 1 first, and whose last? Which is closest to the lowest point after 60 steps?

# %% predict
runs = {name: run(ravine, start, make, 60) for name, make in handmade.items()}
for name, (_, values) in runs.items():
    marks = "  ".join(f"{values[k]:8.4f}" for k in (10, 20, 40, 60))
    print(f"{name:9} stays below 1: {stays_below(values, 1):8}; loss after 10, 20, 40, 60 steps: {marks}")


# %% predict folded label="Draw all paths after 60 steps"
def race_to(ax, runs, f, step, xlim=(-9, 3), ylim=(-1.25, 1.25)):
    """Every path up to a step, with a large marker at its end."""
    contours_of(ax, f, xlim, ylim)
    ax.axis("on")
    for name, (places, _) in runs.items():
        style = STYLES[name]
        ax.plot(*places[: step + 1].T, color=style["color"], linewidth=1.3)
        ax.plot(*places[: step + 1].T, style["marker"], color=style["color"], markersize=2.5)
        ax.plot(
            *places[step],
            style["marker"],
            color=style["color"],
            markersize=9,
            markeredgecolor="white",
            label=name,
            zorder=5,
        )
    ax.legend(loc="upper right", frameon=True, fontsize=9, ncols=2)


figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
race_to(ax, runs, ravine, 60)
show(
    figure,
    alt="The paths of SGD, momentum, RMSProp and Adam in the ravine after 60 steps. SGD is still far from the cross. RMSProp follows the floor and has a spike near the cross; "
    "momentum and Adam have overshot the cross and come back to it.",
)


# %% predict folded label="Draw the first 30 steps, with a slider"
def race_frame(ax, i):
    ax.set_position([0.1, 0.15, 0.88, 0.75])
    race_to(ax, runs, ravine, i + 1)


stepper(
    race_frame,
    30,
    keys=[4, 14, 29],
    size=(6.2, 3.4),
    columns=1,
    alt="The paths of SGD, momentum, RMSProp and Adam in the ravine after 5, 15 and 30 steps. A large marker shows where each is. SGD and momentum jump across the ravine; "
    "RMSProp comes straight down its side and follows the floor; Adam swings across it in wide curves.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Adam stays below 1 first, then momentum, then RMSProp; SGD does not get there. All three beat plain SGD, whose learning rate is limited by
# the steep side. RMSProp walks straight along the floor, but it cannot settle at its end: where the gradients get small, their root mean
# square gets small, too, so it keeps taking steps of about $\eta$, which the steep side punishes: its loss is 0.02 after 51 steps and 8.5
# two steps later, the spike near the cross. That it is the closest after exactly 60 steps is luck. Adam's average $m$ calms the steps down,
# but makes it overshoot, as momentum does. In practice, one lets $\eta$ shrink towards the end of training: that is what
# `torch.optim.lr_scheduler` is for.
#
# </details>
#
# **Before you run it:** now turn the whole landscape by 45°, start included. It is the same ravine, only at an angle to the axes. Whose
# numbers stay the same, and whose change?


# %% predict
def turned(x):
    """The ravine, turned by 45°."""
    return ravine(torch.stack([x[0] + x[1], x[1] - x[0]]) / math.sqrt(2))


turned_start = torch.stack([start[0] - start[1], start[0] + start[1]]) / math.sqrt(2)
turned_runs = {name: run(turned, turned_start, make, 60) for name, make in handmade.items()}
print("loss after 60 steps   upright      turned")
for name in runs:
    print(f"{name:20} {runs[name][1][60]:8.4f}    {turned_runs[name][1][60]:8.4f}")

# %% predict folded label="Draw the race in the turned ravine"
figure, ax = plt.subplots(figsize=(5.4, 5.0), layout="constrained")
race_to(ax, turned_runs, turned, 60, (-7.5, 2.5), (-7.5, 2.5))
ax.set_aspect("equal")
ax.legend(loc="lower right", frameon=True, fontsize=10)
show(
    figure,
    alt="The four paths in the ravine turned by 45 degrees. SGD and momentum jump across it as before. Adam now swings from side to side, and RMSProp creeps along the floor: "
    "both end well before the cross, somewhat nearer to it than SGD.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# SGD and momentum only add vectors and multiply them by numbers: turn the landscape, and the path turns with it. RMSProp and Adam divide *each
# coordinate* by its own size. That helps if the steep direction is a coordinate, as in the upright ravine. In the turned one, both
# coordinates are equally steep, and there is nothing to balance: both are far slower than in the upright one. In networks, gradients often
# differ in size from one parameter to the next by orders of magnitude. That is why Adam usually needs less tuning.
#
# </details>
#
# ## Your optimizers teach a network to read
#
# Now a real landscape. Each of 1,797 handwritten digits is an image of 8×8 numbers. A small network turns the 64 numbers into 10 scores,
# one per digit, in two layers: `x @ w1 + b1`, negative values replaced by 0, then `@ w2 + b2`. That
# is 2,410 numbers to learn, so the landscape has 2,410 coordinates. The loss is the squared distance of the scores from what we want: 1
# for the right digit, 0 for the other nine. How such networks are built, and why, is what the next
# notebooks are about; you have everything it takes to *train* one.
#
# All four optimizers start from the same numbers and take 200 steps. Each step uses all the training images: nothing is stochastic here.
# Each has the learning rate that was best for it among a few that we tried. If there is a GPU, they run on it: `Handmade` creates its
# memories where the parameters are.

# %% yours varies
images, labels = load_digits()
pixels = images.flatten(1).to(device) / 16  # 1797×64
wanted = torch.eye(10, device=device)[labels.to(device)]  # 1797×10: one 1 in each row
held_back = torch.arange(len(labels), device=device) % 5 == 4  # every fifth image is for testing


def new_numbers():
    """The same 2,410 numbers each time, as leaves."""
    torch.manual_seed(0)
    w1, w2 = torch.randn(64, 32) / 8, torch.randn(32, 10) / 6
    return [t.to(device).requires_grad_() for t in (w1, torch.zeros(32), w2, torch.zeros(10))]


def scores(x, w1, b1, w2, b2):
    return (x @ w1 + b1).clamp(min=0) @ w2 + b2


curves = {}
for name, lr in {"SGD": 0.2, "momentum": 0.1, "RMSProp": 0.01, "Adam": 0.01}.items():
    parameters = new_numbers()
    optimizer = handmade[name](parameters, lr)
    curves[name] = []
    for _ in range(200):
        optimizer.zero_grad()
        loss = ((scores(pixels[~held_back], *parameters) - wanted[~held_back]) ** 2).sum(dim=1).mean()
        loss.backward()
        optimizer.step()
        curves[name].append(loss.item())
    with torch.no_grad():
        answers = scores(pixels[held_back], *parameters).argmax(dim=1).cpu()
    right = (answers == labels[held_back.cpu()]).float().mean().item()
    print(f"{name:9} loss {curves[name][-1]:.3f}; {right:.1%} of the held-back digits are read correctly")

# %% yours varies folded label="Draw the four losses, and what the last network reads"
figure, ax = plot_axes(6.2, 3.2)
for name, losses in curves.items():
    style = STYLES[name]
    ax.semilogy(
        losses,
        style["marker"],
        linestyle="-",
        markevery=25,
        color=style["color"],
        linewidth=2,
        markersize=6,
        label=name,
    )
ax.set(xlabel="step", ylabel="loss")
ax.legend(frameon=False)
show(figure, alt="The loss of the network over 200 steps with each of your four optimizers, on a logarithmic axis.")
draw_images(
    images[held_back.cpu()][:12],
    [f"read as {answer}" for answer in answers[:12].tolist()],
    alt="Twelve held-back digits, each with what the network trained by your Adam reads.",
)

# %% [markdown]
# <details><summary>What do the curves show?</summary>
#
# After 200 steps, plain SGD has about twice the loss of the other three, although each has a learning rate that suits it. And the rates
# differ by a factor of 20: with 0.2, Adam learns nothing here; with 0.01, SGD crawls. (Try it: change the rates in the cell above.)
# So compare optimizers only after you have tuned the learning rate of each. The number of digits read correctly differs less than the
# loss does: beyond some point, a lower loss on the training images says little about others.
#
# </details>
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. What is a leaf, and what does <code>w.grad</code> hold after two calls of <code>backward()</code> with nothing cleared in between?</summary>
#
# A leaf is a tensor that no recorded operation has produced. If it requires a gradient, each `backward()` *adds* to its `grad`, so after
# two calls it holds the sum of both gradients. `zero_grad()` clears it.
#
# </details>
#
# <details><summary>2. A valley has the curvature 1 along its floor and 50 across. Which learning rates make plain gradient descent diverge? What does the path of a perfect line search look like? How do momentum and RMSProp get along the floor faster?</summary>
#
# Rates above 2/50 = 0.04 diverge. A line search zigzags at right angles. Momentum adds up past gradients: across the valley they cancel,
# along it they add up. RMSProp divides each number's gradient by its typical size, so both directions move at
# the same pace, as long as the valley is parallel to a coordinate.
#
# </details>
#
# <details><summary>3. Why does Adam divide by 1 − β₁ᵗ and 1 − β₂ᵗ, and how long is its very first step?</summary>
#
# $m$ and $v$ start at 0, so their means are too small at first; the divisors make up for it. In the first step $\hat m = g$ and
# $\sqrt{\hat v} = |g|$: every number moves by the learning rate, whatever the size of its gradient (unless that is 0, or so small that
# $\varepsilon$ counts).
#
# </details>
#
# **Next:** `03_functional_and_relu`. The network above had `clamp(min=0)` between its two layers and kept four loose tensors in a list.
# `torch.nn` has a name for both: the ReLU, and the module.
