# %% [markdown]
# # Linear layers
#
# After this notebook you can
#
# - compute a linear layer for a whole batch, and give the shape of every part before you run it;
# - create an `nn.Linear`, count its parameters, predict the range of their initial values, and write your own values into them;
# - apply a layer to an input with any number of dimensions;
# - write the backward pass of a linear layer by hand and get the same numbers as autograd;
# - train a small network to read digits, with gradients from your own code.
#
# **Points**: 16. **Time**: about 45 minutes of reading and 75 minutes for the 8 exercises. **You need**: tensors and their shapes, transposing and
# broadcasting (`01_tensors`), `backward()` and `.grad` (`02_gradients_and_optimizers`), and from `03_functional_and_relu` the ReLU and the difference
# between `F` and `nn`.
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An argument that must not be
# changed keeps its values, shape and dtype. A later call never changes an earlier result.

# %% setup

# %% [markdown]
# ## From a weighted sum to a matrix product
#
# A shop sells bread, cheese and tea. For each order it wants two numbers: the price in €, and the minutes it takes to pack.
#
# | | bread | cheese | tea | per order |
# |---|---|---|---|---|
# | price (€) | 3 | 5 | 4 | 2 |
# | packing (minutes) | 1 | 2 | 0.5 | 3 |
#
# Each output is a **weighted sum** of the inputs plus a constant. The weights of one output form one row of `shop_weight`,
# and its constant is one entry of `shop_bias`. The first order is two loaves of bread, no cheese and one tea.

# %%
orders = torch.tensor([[2.0, 0, 1], [0, 3, 0], [1, 1, 1], [4, 2, 0]])  # 4 orders × 3 products
shop_weight = torch.tensor([[3.0, 5, 4], [1, 2, 0.5]])  # 2 outputs × 3 products
shop_bias = torch.tensor([2.0, 3])  # 2 outputs

first = orders[0]
price = (first * shop_weight[0]).sum() + shop_bias[0]
packing = (first * shop_weight[1]).sum() + shop_bias[1]
print(f"price   2·3 + 0·5 + 1·4   + 2 = {price:.1f} €")
print(f"packing 2·1 + 0·2 + 1·0.5 + 3 = {packing:.1f} minutes")


# %% folded label="A helper that prints the error if a call fails"
def attempt(what, action, *arguments):
    """Print what a call gives, or the error that it raises."""
    try:
        result = action(*arguments)
    except Exception as error:
        print(f"{what} {type(error).__name__}: {error}")
    else:
        print(what, "works" if result is None else result)


# %% [markdown]
# Without the constants, both sums together are one product of a matrix and a vector, `shop_weight @ order`.
#
# **Before you run it:** the second order is three cheeses and nothing else. Which two numbers come out? And what does
# `shop_weight @ orders` do with all four orders?

# %% predict
attempt("the second order:", lambda: shop_weight @ orders[1] + shop_bias)
attempt("all orders:", lambda: shop_weight @ orders)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Three cheeses cost 3 · 5 + 2 = 17 € and take 3 · 2 + 3 = 9 minutes.
#
# A matrix product pairs the *last* dimension of its left factor with the *first* of its right one, so these two must have the same size.
# `shop_weight` is 2×3 and `orders` is 4×3: 3 does not match 4. The goods (bread, cheese, tea) are the last dimension of both.
#
# </details>
#
# ### The rule
#
# A batch of $N$ samples with $C$ features each is a matrix $x$ with **one sample per row**. A linear layer
# $\mathbb{R}^C \to \mathbb{R}^D$ (also called a *fully connected* layer) has a weight $w$ of shape $D \times C$ and a bias $b$ of shape $D$:
#
# $$s_{nd} = \sum_{c=1}^{C} x_{nc}\,w_{dc} + b_d, \qquad \text{in short} \qquad s = x\,w^T + b .$$
#
# Many books take one sample as a *column* and write $s = w\,x + b$. Transpose that product and you have a row: $(w\,x)^T = x^T w^T$. This is
# where the transpose comes from. (Strictly speaking, a map with a constant is *affine*. In deep learning it is called linear all the same.)
#
# The next picture shows shapes only. Row $n$ of $x$ and column $d$ of $w^T$ meet in the cell $s_{nd}$. The bias is a single row, added to every
# sample.


# %% folded label="Draw the shapes of a linear layer"
def canvas(width, height, cell=0.29):
    """A figure without axes, `width` × `height` cells large, y pointing down."""
    figure, ax = plt.subplots(figsize=(width * cell, height * cell))
    figure.subplots_adjust(0, 0, 1, 1)
    ax.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    ax.axis("off")
    return figure, ax


def matrix(ax, left, top, size, name, role, edges, marked=()):
    """An empty grid with a letter on its left and its lower edge; `marked` lists (row, column) of filled cells."""
    rows, columns = size
    draw_grid(ax, Grid(torch.zeros(size), name, role, hide=True), left, top)
    for i, j in marked:
        ax.add_artist(plt.Rectangle((left + j, top + i), 1, 1, facecolor=(COLOURS[role], 0.55), edgecolor=INK))
    letter = {"fontsize": 13, "style": "italic", "color": INK}
    ax.text(left - 0.2, top + rows / 2, edges[0], ha="right", va="center", **letter)
    ax.text(left + columns / 2, top + rows + 0.15, edges[1], ha="center", va="top", **letter)


def sign(ax, x, y, text):
    ax.text(x, y, text, ha="center", va="center", fontsize=16, color=INK)


N, C, D, n, d = 5, 3, 2, 1, 1
figure, ax = canvas(19, 12.7)
matrix(ax, 1, 6.8, (N, C), "x", "input", "NC", [(n, c) for c in range(C)])
matrix(ax, 6, 1.3, (C, D), "wᵀ", "learned", "CD", [(c, d) for c in range(C)])
matrix(ax, 6, 6.8, (N, D), "x wᵀ", "plain", "ND", [(n, d)])
sign(ax, 9.5, 6.8 + N / 2, "+")
for i in range(1, N):  # the bias, again for each sample
    for j in range(D):
        faint = {"facecolor": (COLOURS["learned"], 0.12), "edgecolor": (COLOURS["learned"], 0.7), "linestyle": ":"}
        ax.add_artist(plt.Rectangle((11 + j, 6.8 + i), 1, 1, **faint))
draw_grid(ax, Grid(torch.zeros(D), "b", "learned", hide=True), 11, 6.8)
ax.add_artist(plt.Rectangle((11 + d, 6.8), 1, 1, facecolor=(COLOURS["learned"], 0.55), edgecolor=INK))
ax.text(11 + D / 2, 6.95 + N, "D", ha="center", va="top", fontsize=13, style="italic", color=INK)
sign(ax, 14.4, 6.8 + N / 2, "=")
matrix(ax, 16.4, 6.8, (N, D), "s", "output", "ND", [(n, d)])
show(
    figure,
    alt="Shapes of a linear layer. x, N×C, is on the left and wᵀ, C×D, above their product x wᵀ, N×D: the marked row "
    "of x and the marked column of wᵀ meet in the marked cell. To its right the bias, one row of D cells, is repeated "
    "faintly for each of the N rows, and the sum s is N×D. The edges that meet in the product are both C.",
)

# %% [markdown]
# ### Exercise: The forward pass
#
# Write `linear(x, weight, bias)`: the rule above, for a whole batch at once, also for a batch of 0 samples. The weight and the bias may be the
# parameters of a layer. Use torch's operations on whole tensors, such as the matrix product: no loop, no NumPy, no `F.linear` (or `nn.Linear`,
# which calls it). Leave the arguments as they are. The result is a new tensor of the arguments' dtype: float16, float32, float64 or int64. In int64
# it is exact.
#
# <details><summary>Hint 1: which dimensions have to meet?</summary>
#
# `x` is N×C and `weight` is D×C. You sum over C, so C must be the *last* dimension of the left factor and the *first* of the right one. One of the
# two matrices has to be transposed.
#
# </details>
#
# <details><summary>Hint 2: where does the bias go?</summary>
#
# The result is N×D. Broadcasting lines up dimensions from the right, so a tensor of shape `(D,)` is added to every row.
#
# </details>
#
# <details><summary>Hint 3: the syntax</summary>
#
# `@` is the matrix product, and `a.T` is a transposed view of `a`: nothing is copied, and `a` itself stays as it is.
#
# </details>


# %% exercise="linear_forward" difficulty=1 minutes=5
def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """The outputs of a linear layer for a batch of row vectors.

    x: (N, C). weight: (D, C). bias: (D,). Returns: (N, D).
    """
    ### BEGIN SOLUTION
    return x @ weight.T + bias
    ### END SOLUTION


# %% check="linear_forward" points=1
g = torch.Generator().manual_seed(11)
PYTHON = {"tolist", "numpy", "__array__", "__dlpack__"}  # ways out of torch


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def same_memory(one, other):
    return one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def draw(sizes, dtype=torch.float32):
    return [torch.randn(size, generator=g, dtype=dtype) for size in sizes]


def call(x, weight, bias, about):
    """Your result and the number of steps torch took; the arguments are looked at before the result."""
    before = [x.clone(), weight.clone(), bias.clone()]
    with forbidden("linear"):
        with Watch(operations=False) as seen:
            answer = linear(inplace(x), inplace(weight), inplace(bias))
        told = "Your code calls `F.linear`, which this exercise asks you to do without (`nn.Linear` calls it, too)."
        must("linear" not in seen.functions, "without F.linear", told)
    if not all(map(torch.equal, [x, weight, bias], before)):
        now, then = (dict(zip(("x", "weight", "bias"), one, strict=True)) for one in ([x, weight, bias], before))
        expect(now, then, f"x, weight and bias are left as they were, {about}", rtol=0, atol=0)
    told = "Your code leaves torch (`tolist` or NumPy). One matrix product does it all."
    must(not PYTHON & set(seen.functions), "everything is computed by torch", told)
    return answer, len(seen.functions)


def compare(x, weight, bias):
    about = f"for shapes {', '.join(str(tuple(one.shape)) for one in (x, weight, bias))}"
    wanted, no_bias = F.linear(x, weight, bias), F.linear(x, weight)
    mistakes = {
        "The bias is missing.": no_bias,
        "The result is transposed: each sample is a row, each output a column.": wanted.T,
    }
    if weight.shape[0] == weight.shape[1]:  # without the transpose there is no error then, only wrong numbers
        told = "The weight is not transposed. (`reshape` does not transpose: it keeps the order of the numbers.)"
        mistakes[told] = F.linear(x, weight.T.clone(), bias)
    if x.shape[0] == weight.shape[0] > 1:
        mistakes["Each row got its own bias: entry d of the bias belongs to column d."] = no_bias + bias[:, None]
    (answer, _), (again, _) = call(x, weight, bias, about), call(x, weight, bias, about)
    expect(answer, wanted, f"linear(x, weight, bias) {about}", mistakes=mistakes)
    told = "A second call returned the result of the first: make a new tensor in each call."
    must(not same_memory(answer, again), f"each result is a new tensor {about}", told)


for sizes in [((5, 3), (3, 3), (3,)), ((6, 5), (2, 5), (2,)), ((4, 3), (4, 3), (4,)), ((1, 4), (3, 4), (3,))]:
    compare(*draw(sizes))

LAYOUTS = {
    "stored column by column": lambda one: one.T.contiguous().T if one.dim() == 2 else one,
    "every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def battery(sizes, strange, kinds):
    """Descriptions with x, weight and bias; each layout has a dtype of its own. All values have so few digits that rounding plays no part."""

    def make(n, c, d, dtype=torch.float32):
        return [torch.randint(-3, 4, size, generator=g).to(dtype) for size in [(n, c), (d, c), (d,)]]

    for dtype in (torch.float32, torch.float64, torch.float16, torch.int64):
        for n, c, d in sizes if dtype == torch.float32 else [sizes[0], *sizes[-2:]]:
            yield f"in {str(dtype)[6:]}", make(n if dtype == torch.float32 else min(n, 3000), c, d, dtype)
    for dtype, (name, layout) in zip(kinds, LAYOUTS.items(), strict=True):
        yield f"in {str(dtype)[6:]}, each {name}", [layout(one) for one in make(*strange, dtype)]
    x, weight, bias = make(*strange)
    yield "with values in the millions", [x * 2**20, weight, bias]
    x, weight, bias = make(*strange, torch.float64)
    yield "in float64, with more digits than float32 has", [x * (1 + 2.0**-26), weight, bias]
    x, weight, bias = make(*strange, torch.int64)
    yield "in int64, with values beyond 2**53", [x * (2**55 + 1), weight, bias]
    yield "in int64, with products beyond 2**53", [x * (2**28 + 1), weight * (2**29 + 1), bias]
    x, weight, bias = make(*strange)
    yield "with the parameters of a layer", [x, nn.Parameter(weight), nn.Parameter(bias)]


def thorough(sizes, strange, kinds):
    few, kept, count = {}, [], 0
    for dtype in (torch.float32, torch.float64, torch.float16, torch.int64):
        _, few[dtype] = call(*[one.to(dtype) for one in draw([(3, 4), (5, 4), (5,)])], f"for 3 samples in {dtype}")
    for about, (x, weight, bias) in battery(sizes, strange, kinds):
        about = f"for shapes {', '.join(str(tuple(one.shape)) for one in (x, weight, bias))} {about}"
        wanted = F.linear(x, weight, bias)
        answer, steps = call(x, weight, bias, about)
        if not (isinstance(answer, torch.Tensor) and answer.dtype == wanted.dtype and torch.equal(answer, wanted)):
            single, double = ([one.to(kind) for one in (x, weight, bias)] for kind in (torch.float32, torch.float64))
            lost = {
                "Yours is float32, whatever the arguments are: something of another dtype takes part.": wanted.float(),
                "Digits are lost on the way: float64 holds whole numbers up to 2**53 only.": F.linear(*double).to(
                    x.dtype
                ),
                "Digits are lost on the way: the computation is in float32.": F.linear(*single).to(x.dtype),
            }
            lost = {} if x.dtype == torch.float32 else lost
            expect(answer, wanted, f"linear(x, weight, bias) {about}", mistakes=lost, rtol=0, atol=0)
        told = "Your code goes through the numbers in Python. One matrix product does it all."
        must(steps <= few[x.dtype] + 5, f"no loop: torch computes {len(x)} samples in as many steps as 3", told)
        kept.append((answer, answer.clone()))
        count += 1
    told = "A later call overwrote it: make a new tensor in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result stays as it was", told)
    require(True, f"no loop, and right for {count} more inputs: other sizes, dtypes and places in memory", "")


sizes = [(20, 6, 4), (1, 1, 1), (4, 1, 3), (5, 3, 1), (40, 30, 20), (20_000, 5, 7), (0, 3, 2)]
thorough(sizes, (4, 3, 5), (torch.float32, torch.float64, torch.float32))
### BEGIN HIDDEN TESTS
for n, c, d in [(1, 4, 7), (9, 1, 3), (8, 6, 1), (6, 6, 6)]:
    compare(*draw([(n, c), (d, c), (d,)]))
sizes = [(33, 3, 3), (1, 5, 1), (6, 1, 2), (77, 4, 6), (50, 40, 45), (18_000, 6, 2), (0, 4, 4)]
thorough(sizes, (6, 4, 3), (torch.float64, torch.float32, torch.float64))
### END HIDDEN TESTS

# %% [markdown]
# Your function computes the price and the packing time of all four orders:

# %% yours folded label="Draw your result for the shop"
forward = yours_or_ours(linear, F.linear, orders, shop_weight, shop_bias)
draw_row(
    Grid(orders, "x", "input", digits=0),
    "@",
    Grid(shop_weight.T, "wᵀ", "learned"),
    "+",
    Grid(shop_bias, "b", "learned"),
    "=",
    Grid(forward(orders, shop_weight, shop_bias), "s", "output"),
    alt="Four matrices in a row: x of 4×3 in blue, times the transposed weight of 3×2 in orange, plus the bias, a row of "
    "2 numbers in orange, gives s in green, with one row per order: price and minutes.",
)

# %% [markdown]
# ### What torch calls it
#
# `F.linear(x, weight, bias)` is this function. The bias may be left out.

# %%
s = F.linear(orders, shop_weight, shop_bias)
print(s)
print("the first order, without a bias:", F.linear(orders[:1], shop_weight))

# %% [markdown]
# ## The layer that holds its parameters
#
# `F.linear` needs the weight and the bias from you. The module `nn.Linear(in_features, out_features, bias=True)` **creates them**
# and holds them as `nn.Parameter`s. You give it the two sizes once, and from then on only `x`.
#
# **Before you run it:** `nn.Linear(10, 4)` maps 10 features to 4. Is its weight 10×4 or 4×10? What are the shapes of the outputs for
# a batch of 523 samples, and for a batch of 0?

# %% predict
torch.manual_seed(0)
layer = nn.Linear(in_features=10, out_features=4)
for name, parameter in layer.named_parameters():
    print(f"{name:7}{tuple(parameter.shape)!s:8} requires_grad={parameter.requires_grad}")

for n in (523, 0):
    batch = torch.randn(n, 10)
    print(tuple(batch.shape), "→", tuple(layer(batch).shape))

# %% [markdown]
# <details><summary>Why?</summary>
#
# You pass the sizes in the order in which the data flow, 10 → 4. The weight has them the other way round, 4×10: one row per output.
#
# The layer never asks for the number of samples, so this number may change from call to call. A batch of 0 samples gives 0 rows of 4 outputs.
#
# </details>
#
# ### Without a bias
#
# With `bias=False` the layer has no bias at all. `layer.bias` is then `None`, and `F.linear` takes `None` too.

# %%
without = nn.Linear(10, 4, bias=False)
x = torch.randn(3, 10)
print("parameters:", [name for name, _ in without.named_parameters()], "and the bias is", without.bias)
print("a module calls the function:", torch.equal(without(x), F.linear(x, without.weight, without.bias)))

# %% [markdown]
# ### When a layer refuses its input
#
# Sooner or later everyone meets these two errors.
#
# **Before you run it:** what is wrong with each of the two calls? Which numbers will the first message show?

# %% predict varies
for wrong in (torch.zeros(523, 4), torch.zeros(523, 10, dtype=torch.float64)):
    attempt(tuple(wrong.shape), layer, wrong)

# %% [markdown]
# <details><summary>Why? How to read the two messages</summary>
#
# *Shapes*: `addmm` is the operation that the layer calls (more on it below). `mat1` is your `x`, and `mat2` is the **transposed** weight, C×D. The
# two inner numbers, 4 and 10, should be equal. Here the last dimension of `x` is 4, but the layer was made for 10.
#
# *dtypes*: `Double` is float64, the usual dtype of NumPy arrays. The layer's parameters are float32. Convert the input with `x.float()`.
# (`nn.Linear(10, 4, dtype=torch.float64)` makes a layer for float64.)
#
# </details>
#
# ### One operation: `addmm`
#
# The names `mat1` and `mat2` belong to `torch.addmm(b, mat1, mat2)`, which computes `b + mat1 @ mat2` in **one** operation: **add** to a **m**atrix
# **m**ultiplication. `F.linear` with a bias uses it, and you meet its name in error messages and profiles. It knows nothing about layers,
# so the caller has to transpose the weight.

# %%
x = torch.randn(3, 10)
print(torch.allclose(torch.addmm(layer.bias, x, layer.weight.T), layer(x)))

# %% [markdown]
# ### Counting parameters
#
# A layer from $C$ to $D$ features has $D \cdot C$ weights and $D$ biases, so $D\,(C + 1)$ parameters.

# %%
for c, d in [(10, 4), (256, 200), (200, 10)]:
    counted = sum(parameter.numel() for parameter in nn.Linear(c, d).parameters())
    print(f"Linear({c}, {d}): {counted:,} parameters, {d} · ({c} + 1) = {d * (c + 1):,}")

# %% [markdown]
# ### Exercise: Count without building
#
# In a stack of linear layers, the outputs of one layer are the inputs of the next. The list `[256, 200, 10]` gives the widths of such a stack: one
# layer from 256 to 200, then one from 200 to 10. Write `parameter_count(widths, bias=True)`: the number of parameters of all layers together, as a
# Python `int`. With `bias=False` no layer has a bias. A single width makes no layer, so its count is 0.
#
# Compute the number from the widths in Python, without making layers or tensors. It is exact for up to 100 layers with widths up to $10^{20}$, far
# larger than any computer can build. Leave the list as it is.
#
# <details><summary>Hint 1: how many layers are there?</summary>
#
# One fewer than there are widths. Each layer belongs to a *pair* of neighbours in the list.
#
# </details>
#
# <details><summary>Hint 2: pairs of neighbours in Python</summary>
#
# `zip(widths, widths[1:])` gives `(256, 200)`, then `(200, 10)`.
#
# </details>


# %% exercise="parameter_count" difficulty=1 minutes=5
def parameter_count(widths: list[int], bias: bool = True) -> int:
    """The number of parameters of a stack of linear layers.

    widths: the features before the first layer, between the layers and after the last one; at least one width.
    Returns: a Python int.
    """
    ### BEGIN SOLUTION
    return sum(widths[i + 1] * (widths[i] + bias) for i in range(len(widths) - 1))
    ### END SOLUTION


# %% check="parameter_count" points=1
import itertools


def count(widths, bias=None):
    """Your count, after what must hold for every list."""
    before, called = list(widths), f"parameter_count({widths}{'' if bias is None else f', {bias}'})"
    with Watch(operations=False) as seen:
        answer = parameter_count(inplace(widths)) if bias is None else parameter_count(inplace(widths), bias)
    if widths != before or any(type(one) is not int for one in widths):
        expect(widths, before, f"the list is left as it was in {called}")
    if seen.functions:
        told = f"Your code makes layers or tensors (it calls torch's `{seen.functions[0]}`): count in Python, without them."
        require(False, f"{called} is computed from the widths", told)
    if type(answer) is not int:
        kind = type(answer).__name__.removeprefix("learners_")
        told = (
            "Nothing comes back: is a `return` missing?" if answer is None else f"Yours is {answer!r}, of type {kind}."
        )
        require(False, f"{called} is a Python int", told)
    return answer


expect(
    count([10, 4]),
    44,
    "parameter_count([10, 4])",
    mistakes={
        "Two widths make one layer: the last layer counts, too.": 0,
        "The bias is missing: there is one for each output.": 40,
        "There is one bias for each output, not for each input.": 50,
        "There is one bias for each output, not one for each layer.": 41,
        "The inputs have no bias: only the layer's outputs do.": 54,
    },
)
expect(
    count([256, 200, 10]),
    53_410,
    "parameter_count([256, 200, 10])",
    mistakes={
        "Only the first layer is counted.": 51_400,
        "Only the last layer is counted.": 2_010,
        "Only one layer, from the first width to the last, is counted.": 2_570,
        "Each layer has its own product of two widths: add these products up.": 512_210,
    },
)
expect(
    count([256, 200, 10], False),
    53_200,
    "parameter_count([256, 200, 10], False)",
    mistakes={"bias=False makes no difference in yours.": 53_410},
)
expect(parameter_count(widths=[7, 3], bias=False), 21, "parameter_count(widths=[7, 3], bias=False)")
expect(
    count([8, 8, 8]),
    144,
    "parameter_count([8, 8, 8])",
    mistakes={"Two layers of the same size are two layers: count both.": 72},
)


expect(count([7]), 0, "parameter_count([7]): no layer", mistakes={"A single width makes no layer.": 7})


def battery(generator, depths):
    """Lists of widths with their counts: torch's own, of layers that take no memory."""
    for depth in depths:
        for bias in (True, False):
            widths = torch.randint(1, 9, (depth,), generator=generator).tolist()
            layers = [nn.Linear(c, d, bias, device="meta") for c, d in itertools.pairwise(widths)]
            yield widths, bias, sum(one.numel() for layer in layers for one in layer.parameters())


def thorough(seed, depths, huge):
    every = [([5, 2], True, 12), ([5, 9], True, 54), ([5, 2], False, 10), ([5, 9], False, 45)]
    every += [
        ([2, 5], True, 15),
        ([2, 5], False, 10),
        ([7], True, 0),
        ([7], False, 0),
        *huge,
        *battery(torch.Generator().manual_seed(seed), depths),
    ]
    for widths, bias, wanted in every:
        answer = count(list(widths), bias)
        if answer != wanted:
            big = ": a stack that no computer can build" if max(widths) > 10**9 else ""
            expect(answer, wanted, f"parameter_count({widths}, {bias}){big}")
    require(True, f"{len(every)} more lists: one width only, many, repeated, and stacks that no computer can build", "")


huge = [([10**10, 10**10, 3], True, 100_000_000_040_000_000_003), ([10**9, 10**15 + 1], False, 10**24 + 10**9)]
huge += [([10**20 - 1, 10**20], False, 10**40 - 10**20), ([2, 10**20 - 1], True, 3 * 10**20 - 3)]
huge += [([10**20 - 3, 10**20 - 3], True, 10**40 - 5 * 10**20 + 6)]
thorough(12, [2, 3, 4, 7, 30, 101], huge)
### BEGIN HIDDEN TESTS
huge = [([10**15, 10**16], False, 10**31), ([10**12 + 1, 10**12], True, 10**24 + 2 * 10**12)]
thorough(13, [2, 3, 5, 6, 11, 50, 100], [*huge, ([10**20 - 3, 10**20 - 1], False, 10**40 - 4 * 10**20 + 3)])
### END HIDDEN TESTS

# %% [markdown]
# ## Where the parameters start
#
# Nobody gave `nn.Linear(10, 4)` any values, and yet it computes. Its weight and bias are drawn at random when it is created, both from the same
# interval. This interval depends on one number only: $\mathrm{fan\_in}$, the number of inputs that each output sums over. For a linear layer that is
# `in_features`:
#
# $$w_{dc},\ b_d \ \sim\ U\!\left(-\frac{1}{\sqrt{\mathrm{fan\_in}}},\ \frac{1}{\sqrt{\mathrm{fan\_in}}}\right).$$
#
# $U$ is the *uniform* distribution: every value between the two bounds is equally likely.

# %%
torch.manual_seed(0)
layer = nn.Linear(10, 4)
print(layer.weight.data)
print(layer.bias.data)
largest = max(layer.weight.abs().max().item(), layer.bias.abs().max().item())
print(f"largest absolute value {largest:.4f} ≤ 1/√10 = {1 / math.sqrt(10):.4f}")

# %% [markdown]
# **Before you run it:** one layer has 16 inputs, the other 256. The numbers of outputs are chosen so that both have 32,000 weights.
# Which layer's weights have the wider spread, and by what factor?

# %% predict
torch.manual_seed(0)
initial = {c: nn.Linear(c, 32_000 // c).weight.detach().flatten() for c in (16, 256)}
for c, values in initial.items():
    print(f"fan_in {c:3}: {values.numel():,} weights from {values.min():.4f} to {values.max():.4f}")

# %% predict folded label="Draw the two histograms"
figure, axes = plot_axes(8.0, 3.0, columns=2)
for ax, (c, values) in zip(axes, initial.items()):
    bound = 1 / math.sqrt(c)
    ax.hist(values.numpy(), torch.linspace(-0.3, 0.3, 97).numpy(), color=COLOURS["learned"], histtype="stepfilled")
    for end in (-bound, bound):
        ax.axvline(end, color=INK, linestyle="--", linewidth=1.2)
    ax.set(title=f"fan_in = {c}: ±1/√{c} = ±{bound:.4f}", xlabel="initial weight", ylim=(0, 1900))
axes[0].set_ylabel("number of weights")
show(
    figure,
    alt="Two histograms of 32,000 initial weights each, on the same axes. With fan_in 16 the bars are low and equally high "
    "from -0.25 to 0.25; with fan_in 256 they are four times as high and lie between -0.0625 and 0.0625. Dashed lines mark "
    "these bounds: no weight lies outside.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The layer with 16 inputs. The other has 16 times as many, so its interval is only a quarter as wide: $\sqrt{16} = 4$.
#
# </details>
#
# **Before you run it:** three separate layers have 4, 64 and 1024 inputs. Each gets inputs of its own, drawn from a normal distribution with mean 0
# and standard deviation 1. Does the standard deviation of the outputs grow with the number of inputs, shrink, or stay about the same?

# %% predict
torch.manual_seed(0)
for c in (4, 64, 1024):
    with torch.no_grad():
        s = nn.Linear(c, 300)(torch.randn(500, c))
    print(f"fan_in {c:4}: standard deviation of the outputs {s.std():.2f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# It hardly changes. A sum of more terms has a wider spread, and the smaller weights make up for it. This is why the bound has
# $\sqrt{\mathrm{fan\_in}}$ in it.
#
# In numbers: a value drawn from $U(-a, a)$ has variance $a^2/3$. With inputs of mean 0 and variance 1, an output has the variance
# $\mathrm{fan\_in} \cdot \frac{1}{3\,\mathrm{fan\_in}} + \frac{1}{3\,\mathrm{fan\_in}} = \frac{1}{3}\left(1 + \frac{1}{\mathrm{fan\_in}}\right)$,
# which is close to $\frac13$ however many inputs there are. The standard deviation is then $1/\sqrt 3 \approx 0.58$, and about 0.645 for 4 inputs.
#
# </details>
#
# ### Exercise: Draw the initial values
#
# Write `initial_values(in_features, out_features)`: it returns the tuple `(weight, bias)`, two new float32 tensors (or `nn.Parameter`s) with the
# shapes and the distribution that `nn.Linear(in_features, out_features)` starts with. Draw the values yourself, each independently of all others:
# no `nn.init.kaiming_uniform_`, and so no `nn.Linear`, which calls it. Each call draws new values from torch's (or NumPy's) random number
# generator. Do not seed it.
#
# <details><summary>Hint 1: which of the two sizes?</summary>
#
# `fan_in` is the number of terms in the sum of *one* output. The bias has the same bound as the weight.
#
# </details>
#
# <details><summary>Hint 2: from 0…1 to −a…a</summary>
#
# `torch.rand(size)` draws uniformly from 0 to 1. Which factor makes the interval as long as −a…a, and what moves its middle to 0?
#
# </details>
#
# <details><summary>Hint 3: a method that does it in one go</summary>
#
# `tensor.uniform_(low, high)` overwrites a tensor with uniform values. `torch.empty(size)` makes a tensor to overwrite.
#
# </details>
#
# <details><summary>What you find in the source of <code>nn.Linear</code></summary>
#
# `kaiming_uniform_(weight, a=math.sqrt(5))`: a general rule, which with this `a` has the bound $1/\sqrt{\mathrm{fan\_in}}$.
#
# </details>


# %% exercise="initial_values" difficulty=2 minutes=10
def initial_values(in_features: int, out_features: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random values like those of a new nn.Linear.

    Returns: the tuple (weight, bias) with the shapes (out_features, in_features) and (out_features,), float32.
    """
    ### BEGIN SOLUTION
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)
    bias = torch.empty(out_features).uniform_(-bound, bound)
    return weight, bias
    ### END SOLUTION


# %% check="initial_values" points=2
def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def drawn(c, d, quiet=True):
    """One call, its type and shapes asserted; returns weight and bias."""
    call = f"initial_values({c}, {d})"
    with forbidden("kaiming_uniform_"):
        answer = initial_values(c, d)
    told = "Nothing comes back: is a `return` missing?" if answer is None else f"Yours is a {type(answer).__name__}."
    must(isinstance(answer, tuple), f"{call} returns a tuple", told)
    must(len(answer) == 2, f"{call} returns two values", f"Yours has {len(answer)}.")
    must(all(isinstance(one, torch.Tensor) for one in answer), f"{call} returns tensors", "Yours are not tensors.")
    told = f"Yours are {' and '.join(sorted({str(one.dtype)[6:] for one in answer}))}: `.float()` converts a tensor to float32."
    must(all(one.dtype == torch.float32 for one in answer), f"both tensors of {call} are float32", told)

    def shapes(weight, bias):
        return {"weight": str(tuple(weight)), "bias": str(tuple(bias))}

    found = shapes(*[one.shape for one in answer])
    if found != shapes((d, c), (d,)) or not quiet:
        expect(
            found,
            shapes((d, c), (d,)),
            f"the shapes of weight and bias in {call}",
            mistakes={
                "The weight has one row per output: (out_features, in_features).": shapes((c, d), (d,)),
                "The bias has one value per output.": shapes((d, c), (c,)),
                "The order is (weight, bias).": shapes((d,), (d, c)),
            },
        )
    return [one.detach() for one in answer]


def unlike(values):
    """How far apart neighbours are on average, in bounds: 2/3 for values drawn one by one."""
    return (values.flatten().diff().abs().mean() / values.abs().max()).item()


def uneven(values, bound):
    """Kolmogorov's distance from the uniform distribution, times √n: under 3 unless something is wrong."""
    place = (values.flatten() / bound + 1).sort().values / 2
    wanted = (torch.arange(len(place)) + 0.5) / len(place)
    return (place - wanted).abs().max().item() * len(place) ** 0.5


def irregular(bound, *tensors):
    """How far the gaps between sorted values are from those of independent draws; also without signs, and with both
    halves of the interval laid on each other."""
    values = torch.cat([one.flatten() for one in tensors]).double()
    gaps = [one.sort().values.diff() for one in (values, values.abs(), values % bound)]
    return max(abs((one.std() / one.mean()).item() - 1) for one in gaps)


def common(one, two):
    """The share of values of one that two has as well, up to the sign; some thousands of them are looked at."""
    some, known = one.abs().flatten()[:: one.numel() // 4000 + 1], two.abs().flatten().sort().values
    place = torch.searchsorted(known, some).clamp(max=len(known) - 1)
    return (known[place] == some).double().mean().item()


weight, bias = drawn(300, 90, quiet=False)
bound = 1 / math.sqrt(300)
low, high = weight.min().item(), weight.max().item()
half = "The interval is half as long as it should be: from −bound to bound is 2·bound."
half += " And it begins at 0, not at −bound." if low >= 0 else ""
expect(
    weight.std().item(),
    bound / math.sqrt(3),
    "the standard deviation of the 27,000 weights, within 3 %",
    mistakes={
        "The values spread √3 times too far: normal values, randn / √fan_in, do so.": bound,
        half: bound / math.sqrt(12),
        "You divided by the number of outputs: fan_in is in_features.": 1 / math.sqrt(90) / math.sqrt(3),
        "The square root is missing: 1/√fan_in.": 1 / 300 / math.sqrt(3),
        "The values are not scaled by 1/√fan_in.": 1 / math.sqrt(3),
        "That is Xavier's rule. The bound here is 1/√fan_in, without fan_out.": math.sqrt(2 / 390),
    },
    rtol=0.03,
)
told = "All of yours are positive: torch.rand draws from 0 to 1."
require(low < 0, "some weights are negative", told)
told = "Some are: is your distribution uniform?"
if abs(weight.mean().item()) > bound / 30:
    told = f"The middle of your values is not 0: they go from {low:.4f} to {high:.4f}."
require(max(-low, high) <= bound * 1.0001, f"no weight is beyond ±1/√300 = ±{bound:.4f}", told)
told = "The same values come several times."
require(weight.unique().numel() > 26_000, "every weight is drawn independently", told)
require(abs(unlike(weight) - 2 / 3) < 0.03, "the weights are in random order", "Neighbours depend on each other.")
expect(weight.mean().item(), 0.0, "the mean of the weights is close to 0", atol=bound / 30)
told = "Some parts of the interval have more weights than others: is your distribution uniform?"
require(uneven(weight, bound) < 3, "the weights are spread evenly over the interval", told)
weight, bias = drawn(4, 10_000)
told = "All of yours are the same number."
must(bias.unique().numel() > 1 or not bias.any().item(), "every bias is drawn independently", told)
expect(
    [bias.min().item(), bias.max().item()],
    [-0.5, 0.5],
    "the smallest and largest bias of initial_values(4, 10000) are close to ∓1/√4",
    mistakes={
        "The bias is all zeros: it is drawn like the weight.": [0.0, 0.0],
        "No bias is negative: torch.rand draws from 0 to 1.": [0.0, 0.5],
        "The bias has the same bound as the weight: 1/√in_features.": [-1 / math.sqrt(10_000), 1 / math.sqrt(10_000)],
        "The bias is not scaled by 1/√in_features.": [-1.0, 1.0],
    },
    rtol=0.01,
    atol=1e-3,
)
told = "Some parts of the interval have more biases than others: is your distribution uniform?"
require(uneven(bias, 0.5) < 3, "the biases are spread evenly over the interval", told)
require(bias.unique().numel() > 9_900, "every bias is drawn independently", "The same values come several times.")
require(abs(unlike(bias) - 2 / 3) < 0.03, "the biases are in random order", "Neighbours depend on each other.")
told = "Most of your biases are also weights, perhaps with another sign."
require(common(bias, weight) < 0.1, "the bias is drawn anew, not taken from the weight", told)
again = drawn(4, 10_000)
told = "The second call gave values of the first: is a seed set inside the function, or a tensor kept?"
require(max(common(again[0], weight), common(again[1], bias)) < 0.1, "a second call draws other values", told)


def thorough(sizes):
    """The same demands for layers of other sizes, the small ones among them."""
    kept = []
    for c, d in sizes:
        bound, what = 1 / math.sqrt(c), f"of initial_values({c}, {d})"
        weight, bias = drawn(c, d)
        other = drawn(c, d)
        for name, one, two in [("weights", weight, other[0]), ("biases", bias, other[1])]:
            told = "At least one is outside."
            must(one.abs().max().item() <= bound * 1.0001, f"the {name} {what} are within ±1/√{c}", told)
            told = "The second call gave values of the first: is a seed set, or a tensor kept?"
            must(common(one, two) < 0.5, f"a second call draws other {name} {what}", told)
            told = "Some parts of the interval have more of them than others. The bound is 1/√in_features for both."
            must(uneven(one, bound) < 3, f"the {name} {what} are spread evenly over the interval", told)
        together = weight.numel() + bias.numel()
        if together > 5000:
            told = "Some values appear twice (perhaps with another sign, or shifted), or they are spaced too regularly."
            must(irregular(bound, weight, bias) < 0.15, f"all values {what} are drawn independently", told)
        kept += [(weight, weight.clone()), (bias, bias.clone())]
    told = "A later call overwrote it: make new tensors in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result stays as it was", told)
    require(True, f"the same holds for {', '.join(f'{c} → {d}' for c, d in sizes)}", "")


thorough([(4, 10_000), (1, 3000), (3, 2000), (9000, 3), (1000, 7), (6, 50), (40, 1), (6, 5), (1, 1)])
state, numbers = torch.get_rng_state(), []
for _ in range(2):
    torch.manual_seed(3)
    drawn(6, 5)
    numbers.append(torch.rand(()).item())
seeded = torch.initial_seed()
torch.set_rng_state(state)
told = "After a call, torch's random numbers are different ones: your function sets a seed."
require(numbers[0] == numbers[1] and seeded == 3, "no seed is set", told)
### BEGIN HIDDEN TESTS
thorough([(10_000, 3), (2, 10_000), (50, 400), (1, 7000), (7, 90), (30, 2), (5, 6), (1, 1)])
### END HIDDEN TESTS

# %% [markdown]
# ## Writing parameters yourself
#
# You know the shop's numbers, so give them to a layer.
#
# **Before you run it:** here are three attempts to set the weight. Which of them work?

# %% predict
values = torch.tensor([[3.0, 5, 4], [1, 2, 0.5]])
shop = nn.Linear(3, 2)


def write_a_row():
    shop.weight[0] = values[0]


def assign_all():
    shop.weight = values


def copy_without_grad():
    with torch.no_grad():
        shop.weight.copy_(values)
        shop.bias.copy_(torch.tensor([2.0, 3]))


for action in (write_a_row, assign_all, copy_without_grad):
    attempt(f"{action.__name__}:", action)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Only the third.
#
# 1. A parameter is a *leaf* that requires a gradient: autograd starts from its values, so it may not be overwritten while autograd records. (In the
#    message, the *view* is `shop.weight[0]`, and `Variable` is the old name of a tensor that autograd records.)
# 2. Under the name of a parameter, an `nn.Module` accepts only another `nn.Parameter`, or `None`. `values` is a plain tensor.
# 3. Under `torch.no_grad()` autograd does not record, so the parameter may be overwritten in place. It stays the same `nn.Parameter`, and it stays
#    trainable.
#
# `shop.weight = nn.Parameter(values)` works too. It puts a *new* parameter into the layer. This parameter shares its memory with `values`, and an
# optimizer created earlier does not know about it.
#
# </details>
#
# ### A weight is a table
#
# Now the layer computes prices and minutes, and you can read its weight as a table: **row = output, column = input**.

# %%
x = torch.tensor([[2.0, 0, 1], [0, 3, 0]])
print(shop(x))

# %% folded label="Draw the weight as a table"
figure, ax = canvas(7.6, 4.0, cell=0.6)
draw_grid(ax, Grid(shop.weight, "weight", "learned"), 2.0, 1.4)
constants = Grid(shop.bias[:, None], "bias", "learned")
constants.shape = (2,)  # drawn as a column, so that each constant is beside its row
draw_grid(ax, constants, 6.1, 1.4)
for j, name in enumerate(["bread", "cheese", "tea"]):
    ax.text(2.5 + j, 3.55, name, ha="center", va="top", fontsize=9.5, color=COLOURS["input"])
for i, name in enumerate(["price", "packing"]):
    ax.text(1.8, 1.9 + i, name, ha="right", va="center", fontsize=9.5, color=COLOURS["output"])
ax.text(6.6, 3.55, "constant", ha="center", va="top", fontsize=9.5, color=INK)
show(
    figure,
    alt="The weight of the shop's layer as a table of 2×3 orange cells. Its rows are the outputs price (3, 5, 4) and packing "
    "(1, 2, 0.5), its columns the inputs bread, cheese and tea. Beside it the bias as a column: 2 for price, 3 for packing.",
)

# %% [markdown]
# ### Exercise: A layer that computes a given map
#
# Write `given_map()`: it returns a new `nn.Linear` that turns each row $(x_0, x_1, x_2, x_3)$ into $(y_0, y_1, y_2)$, up to rounding, with
#
# $$y_0 = x_0 - x_1, \qquad y_1 = \text{the mean of } x_0, x_1, x_2, x_3, \qquad y_2 = 3\,x_2 + 5 .$$
#
# The layer stays trainable: its weight and its bias are its `nn.Parameter`s, with `requires_grad=True`, and it computes with them, in training mode
# and in evaluation mode. Each call makes a layer of its own, whose parameters share no memory with those of another.
#
# <details><summary>Hint 1: what does one row look like?</summary>
#
# Write each output as a weighted sum of *all four* inputs: $y_0 = 1\,x_0 + (-1)\,x_1 + 0\,x_2 + 0\,x_3 + 0$. The four factors are one row of the
# weight, and the last number is one entry of the bias.
#
# </details>
#
# <details><summary>Hint 2: and the bias?</summary>
#
# Two of the outputs have no constant. A new layer's bias is random, not zero, so you have to write it too.
#
# </details>
#
# <details><summary>Hint 3: writing</summary>
#
# Make the layer, then use `copy_` on its weight and its bias, as with the shop's layer above.
#
# </details>


# %% exercise="given_map" difficulty=2 minutes=8
def given_map() -> nn.Linear:
    """A linear layer whose parameters are set so that it computes the map above.

    Returns: a float32 layer that maps (N, 4) to (N, 3).
    """
    ### BEGIN SOLUTION
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer
    ### END SOLUTION


# %% check="given_map" points=2
def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


layer = given_map()
told = f"What comes back is a {type(layer).__name__}."
told = "Nothing comes back: is a `return` missing?" if layer is None else told
require(isinstance(layer, nn.Linear), "given_map() returns an nn.Linear", told)
expect(
    {"in_features": layer.in_features, "out_features": layer.out_features},
    {"in_features": 4, "out_features": 3},
    "in_features and out_features of the layer",
    mistakes={
        "They are the wrong way round: nn.Linear(in_features, out_features).": {"in_features": 3, "out_features": 4}
    },
)
require(layer.bias is not None, "the layer has a bias: y₂ has a constant", "Your layer was made with bias=False.")


def trainable(layer):
    parameters = [layer.weight, layer.bias]
    told = "One of them is another kind of tensor."
    must(all(isinstance(one, nn.Parameter) for one in parameters), "weight and bias are nn.Parameters", told)
    told = "requires_grad is False for the weight or the bias: training would never change it."
    must(all(one.requires_grad for one in parameters), "the layer is still trainable", told)
    names = sorted(name for name, _ in layer.named_parameters())
    told = f"layer.named_parameters() finds {names or 'none'}."
    must(names == ["bias", "weight"], "weight and bias are the layer's parameters", told)
    if [one.dtype for one in parameters] != [torch.float32] * 2:
        expect([one.dtype for one in parameters], [torch.float32] * 2, "weight and bias are float32")


trainable(layer)
wanted = torch.zeros(3, 4)
wanted[0, 0], wanted[0, 1], wanted[1], wanted[2, 2] = 1, -1, 0.25, 3
weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
expect(list(weight.shape), [3, 4], "the shape of the weight")
close = {"rtol": 1e-6, "atol": 1e-6}
from_one = "Counting starts at 0: x₀ belongs to column 0."
expect(
    weight[0],
    wanted[0],
    "row 0 of the weight, the factors of y₀",
    **close,
    mistakes={
        "The sign is wrong: it is x₀ − x₁.": -wanted[0],
        "That is the sum: it is x₀ − x₁.": wanted[0].abs(),
        from_one: wanted[0].roll(1),
    },
)
expect(
    weight[1],
    wanted[1],
    "row 1 of the weight, the factors of y₁",
    **close,
    mistakes={
        "That is the sum, but the mean was asked for.": torch.ones(4),
        "In Python, 1 // 4 is 0: write 1 / 4, or 0.25.": torch.zeros(4),
        "The mean is taken over four numbers: divide by 4.": torch.ones(4) / 3,
    },
)
expect(
    weight[2],
    wanted[2],
    "row 2 of the weight, the factors of y₂",
    **close,
    mistakes={from_one: wanted[2].roll(1), "x₂ belongs to column 2.": wanted[2].roll(-1)},
)
told = "y₀ and y₁ have no constant, but a new layer's bias is random: overwrite it."
told = "5 belongs to y₂ alone." if torch.equal(bias, torch.full((3,), 5.0)) else told
require(bool((bias[:2].abs() < 1e-6).all()), "the bias of y₀ and of y₁ is 0", told)
expect(bias[2].item(), 5.0, "the bias of y₂", mistakes={"The constant 5 is missing.": 0.0}, **close)


def examine(layer, generator, rows):
    """All that must hold for every layer: what it computes, and that both parameters learn, more than once."""
    trainable(layer)
    for count in rows:
        x = torch.randint(-9, 10, (count, 4), generator=generator).float()
        x[0] *= 1000
        y = torch.stack([x[:, 0] - x[:, 1], x.mean(1), 3 * x[:, 2] + 5], dim=1)
        answer = layer(x)
        if not torch.allclose(answer.detach(), y, rtol=1e-5, atol=1e-2):
            expect(answer.detach(), y, f"layer(x) for x of shape ({count}, 4)", rtol=1e-5, atol=1e-2)
        layer.zero_grad()
        factors = torch.randint(-3, 4, y.shape, generator=generator).float()
        (answer * factors).sum().backward()
        for name, one, gradient in [("weight", layer.weight, factors.T @ x), ("bias", layer.bias, factors.sum(0))]:
            must(one.grad is not None, f"the {name} gets a gradient", "None reaches it.")
            if not torch.allclose(one.grad, gradient, rtol=1e-5, atol=1e-4):
                expect(one.grad, gradient, f"the gradient of the {name}, like that of any nn.Linear", atol=1e-4)
    layer.zero_grad()


def thorough(first, seed, rows):
    layers, g = [first, given_map(), given_map(), given_map()], torch.Generator().manual_seed(seed)
    for one in layers:
        must(
            isinstance(one, nn.Linear),
            "each call of given_map() returns an nn.Linear",
            f"Here it is a {type(one).__name__}.",
        )
        examine(one, g, rows)
    for i, one in enumerate(layers):
        with torch.no_grad():
            one.weight.fill_(1.0)
            one.bias.zero_()
        told = (
            "When one layer was overwritten, another changed: make a new nn.Linear with values of its own in each call."
        )
        for other in layers[i + 1 :]:
            fresh = torch.allclose(other.weight.detach(), wanted) and torch.allclose(other.bias.detach(), bias)
            must(fresh, "each call of given_map() returns a layer of its own", told)
        x = torch.randint(-9, 10, (5, 4), generator=g).float()
        told = "It was filled with ones, and its outputs are not the sums of the inputs."
        sums = x.sum(1, keepdim=True).repeat(1, 3)
        for mode in ("training", "evaluation"):
            one.train(mode == "training")
            what = f"the layer computes with the parameters that it has, in {mode} mode"
            must(torch.allclose(one(x).detach(), sums), what, told)


thorough(layer, 13, [2, 1, 7])
require(True, "each call gives a layer of its own that computes the map and learns like any nn.Linear", "")
### BEGIN HIDDEN TESTS
thorough(given_map(), 14, [1, 3, 40])
### END HIDDEN TESTS

# %% [markdown]
# ## More dimensions
#
# So far `x` was N×C. What if it has more dimensions, or only one?
#
# **Before you run it:** what does `nn.Linear(4, 2)` make of a single vector of 4 numbers, and of a tensor of 5×2×3×4?

# %% predict
torch.manual_seed(0)
layer = nn.Linear(4, 2)
for size in [(4,), (523, 4), (5, 2, 3, 4)]:
    print(size, "→", tuple(layer(torch.zeros(size)).shape))

# %% predict folded label="Draw what happens to x of 2×3×4"
figure, ax = canvas(23.4, 10.9, cell=0.27)
for k in (0, 1):
    shade = {"marked": [(i, j) for i in range(3) for j in range(4)]} if k else {}
    matrix(ax, 0.9, 1.5 + 5.6 * k, (3, 4), f"x[{k}]", "input", ("3", "4"), **shade)
    shade = {"marked": [(i, j) for i in range(3) for j in range(2)]} if k else {}
    matrix(ax, 20.9, 1.5 + 5.6 * k, (3, 2), f"y[{k}]", "output", ("3", "2"), **shade)
matrix(ax, 8.2, 2.8, (6, 4), "rows of x", "input", ("6", "4"), [(i, j) for i in range(3, 6) for j in range(4)])
matrix(ax, 15.6, 2.8, (6, 2), "rows of y", "output", ("6", "2"), [(i, j) for i in range(3, 6) for j in range(2)])
for place, text in [(6.2, "reshape"), (13.6, "x wᵀ + b"), (19.0, "reshape")]:
    ax.annotate("", (place + 1, 5.8), (place - 1, 5.8), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.6})
    ax.text(place, 5.5, text, ha="center", va="bottom", fontsize=9, color=INK)
show(
    figure,
    alt="From left to right: a tensor x of 2×3×4, drawn as two blue matrices of 3×4, is reshaped into one matrix of 6×4, the "
    "rows of the second below those of the first. The layer makes it a green matrix of 6×2, which is reshaped into two "
    "matrices of 3×2, the tensor y of 2×3×2.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The rule is $(*, C) \to (*, D)$, where $*$ stands for any number of dimensions, including none. `nn.Linear` looks at the **last** dimension only.
# Every vector along it goes through the same layer, as if all these vectors were the rows of one long matrix. Try it with an `x` of 2×3×4:
# `layer(x.reshape(6, 4)).reshape(2, 3, 2)` equals `layer(x)`.
#
# </details>
#
# **Before you run it:** `images` holds 5 images of 28×28 pixels, and you want 10 numbers for each image. Which of the two layers accepts `images`
# as it is? What is the shape of its result?

# %% predict
images = torch.zeros(5, 28, 28)
attempt("nn.Linear(28, 10):", lambda: nn.Linear(28, 10)(images).shape)
attempt("nn.Linear(784, 10):", lambda: nn.Linear(784, 10)(images).shape)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `nn.Linear(28, 10)` accepts them, and that is a trap. Its result is 5×28×10: 10 numbers for each *row of pixels*, and no pixel is ever combined
# with a pixel of another row. `nn.Linear(784, 10)` refuses these rows: its message speaks of 5 · 28 = 140 rows of 28 numbers. For 10 numbers per
# image, flatten each image first, so that all its pixels are in the last dimension: `nn.Linear(784, 10)(images.flatten(1))`.
#
# </details>
#
# ### Exercise: A layer along any dimension
#
# Colour images come as N×C×H×W: the features of a pixel, its channels, are in dimension 1, not in the last one. Write
# `linear_along(x, weight, bias=None, dim=-1)`. It applies the same linear layer to every vector along dimension `dim` of `x`. This dimension has
# size C. The result has the shape of `x`, except that dimension `dim` has size D. All other dimensions keep their places and sizes, even a
# size of 1. D may be smaller or larger than C. The weight and the bias may be the parameters of a layer, `bias` may be `None`, and `dim` may be
# negative. The result has the dtype of the arguments, float32 or float64, and is a new tensor. Leave the arguments as they are. You may use `F.linear`.
#
# (Along the channels of an image this layer is called a **1×1 convolution**. `07_convolution` shows why.)
#
# <details><summary>Hint 1: the plan</summary>
#
# You have a function that works along the last dimension. So move the dimension to the end, apply the layer, and move the dimension back.
#
# </details>
#
# <details><summary>Hint 2: which method moves a dimension?</summary>
#
# `x.movedim(source, destination)` moves one dimension and leaves the others in their order. `x.reshape` would keep the order of the
# *numbers* and cut them up differently, which mixes the vectors.
#
# </details>
#
# <details><summary>Hint 3: no bias</summary>
#
# `F.linear` accepts `None` as its bias.
#
# </details>


# %% exercise="linear_along" difficulty=2 minutes=10
def linear_along(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, dim: int = -1
) -> torch.Tensor:
    """A linear layer applied along one dimension of a tensor.

    x: one dimension or more, with size C in dimension dim. weight: (D, C). bias: (D,) or None.
    Returns: the shape of x, with size D in dimension dim.
    """
    ### BEGIN SOLUTION
    return F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)
    ### END SOLUTION


# %% check="linear_along" points=2
g = torch.Generator().manual_seed(14)


def compare(answer, wanted, what, arguments, before, mistakes=None, rtol=1e-4, atol=1e-5):
    if not all(map(torch.equal, arguments, before)):
        now, then = (dict(zip(("x", "weight", "bias"), one, strict=False)) for one in (arguments, before))
        expect(now, then, f"x, weight and bias are left as they were in {what}", rtol=0, atol=0)
    expect(answer, wanted, what, mistakes=mistakes, rtol=rtol, atol=atol)


def draw(*sizes):
    tensors = [torch.randn(size, generator=g) for size in sizes]
    return *tensors, [tensor.clone() for tensor in tensors]


x, weight, bias, before = draw((2, 7, 3, 5), (4, 5), (4,))
wanted = F.linear(x, weight)
answer = linear_along(inplace(x), inplace(weight))
compare(answer, wanted, "linear_along(x, weight) for x of shape (2, 7, 3, 5)", [x, weight], before[:2])
answer = linear_along(inplace(x), inplace(weight), inplace(bias))
wanted = F.linear(x, weight, bias)
mistakes = {"The bias is missing.": F.linear(x, weight)}
compare(answer, wanted, "linear_along(x, weight, bias) for the same x", [x, weight, bias], before, mistakes)
# Along the channels, torch calls it a 1×1 convolution. The last dimension has the size C too, so a layer along the
# wrong dimension raises no error.
x, weight, bias, before = draw((2, 4, 6, 4), (4, 4), (4,))
answer = linear_along(inplace(x), inplace(weight), inplace(bias), dim=1)
wanted = F.conv2d(x, weight[:, :, None, None], bias)
at_the_end = wanted.permute(0, 2, 3, 1)
mistakes = {
    "The dimension is still at the end: move it back to its place.": at_the_end,
    "The layer was applied along the last dimension: dim is ignored, or reshape cut x up anew.": F.linear(
        x, weight, bias
    ),
    "The shape is right, the vectors are not: reshape cuts up anew, movedim moves.": at_the_end.reshape(2, 4, 6, 4),
    "Other dimensions have changed places: only dim was to move there and back.": at_the_end.permute(0, 3, 2, 1),
    "The way back is movedim(-1, dim): from the end to dim.": at_the_end.movedim(1, -1),
    "The bias was added along the last dimension: its entries belong along dim.": F.conv2d(x, weight[:, :, None, None])
    + bias,
}
what = "linear_along(x, weight, bias, dim=1) for x of shape (2, 4, 6, 4)"
compare(answer, wanted, what, [x, weight, bias], before, mistakes)


def battery(sizes, widths, generator, flip):
    """Descriptions with x, weight, bias, dim and the result, all with so few digits that rounding plays no part.

    Each position in each size comes once. The sign of dim, bias, dtype, layout and widths change in turns. The rows come
    first, as a layer wants them; then the features of all of them are put where dim says.
    """

    def whole(*size, dtype=torch.float32):
        return torch.randint(-3, 4, size, generator=generator).to(dtype)

    places = [(k, size, place) for k, size in enumerate(sizes) for place in range(len(size) + 1)]
    for i, (k, size, place) in enumerate(places):
        c, d = widths[i % len(widths)]
        with_bias, dtype = i % 2 == 1, (torch.float32, torch.float64)[i // 2 % 2]
        rows, weight = whole(*size, c, dtype=dtype), whole(d, c, dtype=dtype)
        rows = rows * (2**20 if k == 0 else 1 + 2.0**-26)  # more digits than float32 has
        bias = whole(d, dtype=dtype) if with_bias else None
        x, wanted = (one.movedim(-1, place) for one in (rows, F.linear(rows, weight, bias)))
        negative = (len(size) + 1 - place + (k % 3 == 0) + flip) % 2 == 0
        dim = place - len(size) - 1 if negative else place
        yield x.contiguous() if i // 4 % 2 else x, weight, bias, dim, wanted
    c, d = widths[0]
    for _ in range(2):  # again, with other values of the same sizes
        rows, weight, bias = whole(2, 3, c), nn.Parameter(whole(d, c)), nn.Parameter(whole(d))
        yield rows.movedim(-1, 1), weight, bias, 1, F.linear(rows, weight, bias).detach().movedim(-1, 1)
    yield rows, torch.eye(c), None, -1, rows.clone()


def thorough(sizes, widths, seed, flip):
    count, kept = 0, []
    for x, weight, bias, dim, wanted in battery(sizes, widths, torch.Generator().manual_seed(seed), flip):
        about = f"for x of shape {tuple(x.shape)} and weight of shape {tuple(weight.shape)}, dim={dim}"
        about += f", {'no' if bias is None else 'a'} bias, in {str(x.dtype)[6:]}"
        about += ", with the parameters of a layer" if isinstance(weight, nn.Parameter) else ""
        arguments = [one for one in (x, weight, bias) if one is not None]
        before = [one.clone() for one in arguments]
        if bias is None:
            answer = linear_along(inplace(x), inplace(weight), None, dim)
        else:
            answer = linear_along(inplace(x), inplace(weight), inplace(bias), dim=dim)
        right = isinstance(answer, torch.Tensor) and answer.dtype == wanted.dtype and torch.equal(answer, wanted)
        if not right or not all(map(torch.equal, arguments, before)):
            lost = [one.float() for one in (x.movedim(dim, -1), weight)]
            lost = F.linear(*lost, bias if bias is None else bias.float()).movedim(-1, dim).to(x.dtype)
            told = {"A dimension of size 1 is gone: only dim may change its size.": wanted.squeeze()}
            if x.dtype != torch.float32:
                told["Digits are lost on the way: the computation is in float32."] = lost
            compare(answer, wanted, f"linear_along {about}", arguments, before, told, rtol=0, atol=0)
        if answer.untyped_storage().data_ptr() == x.untyped_storage().data_ptr():
            require(False, f"the result is a new tensor {about}", "Yours is x itself, or a part of it.")
        kept.append((answer, answer.clone()))
        count += 1
    told = "A later call overwrote it: make a new tensor in each call."
    require(all(torch.equal(*pair) for pair in kept), "earlier results stay as they were", told)
    require(True, f"right for {count} more inputs: every dim of tensors with one to eight dimensions", "")


thorough(
    [(), (3,), (3, 3), (1, 5), (2, 1, 3), (2, 3, 2, 2), (2, 1, 2, 3, 2), (1, 2, 1, 1, 2, 1, 2), (), ()],
    [(3, 3), (3, 1), (1, 4)],
    15,
    flip=False,
)
### BEGIN HIDDEN TESTS
thorough(
    [(), (4,), (4, 4), (5, 1), (1, 3, 2), (3, 2, 1, 2), (1, 2, 2, 1, 3), (2, 1, 1, 2, 1, 2, 1), (), ()],
    [(4, 4), (4, 2), (1, 3), (2, 5), (3, 3)],
    16,
    flip=True,
)
### END HIDDEN TESTS

# %% [markdown]
# ## The backward pass
#
# In training, a loss $L$ is computed from the outputs $s$. In the backward pass the layer receives $\partial L/\partial s$: one number for each
# sample and each output, so it has the shape of $s$, N×D. The layer returns three gradients. Each has **the shape of what it belongs to**.
#
# Start with the simplest loss: $L$ is the sum of all outputs, so every entry of $\partial L/\partial s$ is 1.
#
# **Before you run it:** what is `layer.bias.grad` for a batch of 523 samples? Are the four rows of `layer.weight.grad` different?

# %% predict
torch.manual_seed(0)
layer = nn.Linear(10, 4)
batch = torch.randn(523, 10)
layer(batch).sum().backward()
print("bias.grad:", layer.bias.grad)
print("weight.grad, the first six columns:")
print(layer.weight.grad[:, :6])

# %% [markdown]
# <details><summary>Why?</summary>
#
# Each bias is added once per sample, so each of the 523 samples contributes 1: the gradient **adds up over the batch**. The same holds for the
# weight. $w_{dc}$ is multiplied by $x_{nc}$ in every sample $n$, and these contributions add up. With 1 everywhere in $\partial L/\partial s$, that
# gives the column sums of the batch, the same for each of the four outputs. Try `batch.sum(dim=0)`.
#
# </details>
#
# ### One number by hand
#
# Back to the shop, now with a layer that does not know the prices. It guesses, the receipts give the right numbers, and the loss is half the sum of
# the squared errors, $L = \frac12 \sum_{nd} (s_{nd} - t_{nd})^2$. Its gradient is simply the error: $\partial L/\partial s = s - t$. Take the weight
# from cheese (input 1) to price (output 0). By the chain rule
#
# $$\frac{\partial L}{\partial w_{01}} = \sum_{n} \frac{\partial L}{\partial s_{n0}} \cdot \frac{\partial s_{n0}}{\partial w_{01}} =
# \sum_{n} \frac{\partial L}{\partial s_{n0}} \cdot x_{n1} .$$

# %%
torch.manual_seed(0)
receipts = torch.tensor([[12.0, 5.5], [17, 9], [14, 6.5], [24, 11]])
guess = nn.Linear(3, 2)

s = guess(orders)
loss = 0.5 * ((s - receipts) ** 2).sum()
loss.backward()

errors = (s - receipts).detach()
print("errors in the price:", errors[:, 0])
print("pieces of cheese:   ", orders[:, 1])
print(f"by hand     {(errors[:, 0] * orders[:, 1]).sum().item():.2f}")
print(f"by autograd {guess.weight.grad[0, 1].item():.2f}")

# %% [markdown]
# The first order has no cheese, so its error contributes nothing to this gradient. All errors in the price are negative: the guessed prices are too
# low. So the gradient is negative, and more weight on cheese would lower the loss.
#
# ### All at once
#
# The sum runs over the samples $n$, a dimension that both factors share, so it is a matrix product again. The other two gradients follow in the same
# way:
#
# $$\frac{\partial L}{\partial w} = \left(\frac{\partial L}{\partial s}\right)^{T} x, \qquad
# \frac{\partial L}{\partial x} = \frac{\partial L}{\partial s}\, w, \qquad
# \frac{\partial L}{\partial b_d} = \sum_{n} \frac{\partial L}{\partial s_{nd}} .$$
#
# You do not have to memorise them. As long as $N$, $C$ and $D$ differ, the shapes leave only one way to multiply the factors (with $C = D$, `w`
# and `wᵀ` would both fit). The bias is added to every row, so its gradient is the sum of the rows of
# $\partial L/\partial s$:


# %% folded label="Draw the two products of the backward pass"
N, C, D, n, c, d = 5, 3, 2, 2, 1, 0
figure, ax = canvas(19.6, 22.2)
matrix(ax, 1.2, 2.8, (D, N), "(∂L/∂s)ᵀ", "loss", "DN", [(d, k) for k in range(N)])
sign(ax, 7.8, 3.8, "@")
matrix(ax, 9.8, 1.3, (N, C), "x", "input", "NC", [(k, c) for k in range(N)])
sign(ax, 14.2, 3.8, "=")
matrix(ax, 16.2, 2.8, (D, C), "∂L/∂w", "loss", "DC", [(d, c)])
matrix(ax, 4.2, 8.7, (N, D), "∂L/∂s", "loss", "ND", [(n, k) for k in range(D)])
sign(ax, 7.8, 11.2, "@")
matrix(ax, 9.8, 10.2, (D, C), "w", "learned", "DC", [(k, c) for k in range(D)])
sign(ax, 14.2, 11.2, "=")
matrix(ax, 16.2, 8.7, (N, C), "∂L/∂x", "loss", "NC", [(n, c)])
matrix(ax, 4.2, 16.4, (N, D), "∂L/∂s", "loss", "ND", [(k, d) for k in range(N)])
ax.annotate("", (15.2, 18.9), (7.4, 18.9), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.6})
ax.text(11.3, 18.5, "sum over the N samples", ha="center", va="bottom", fontsize=10, color=INK)
draw_grid(ax, Grid(torch.zeros(D), "∂L/∂b", "loss", hide=True), 16.2, 18.4)
ax.add_artist(plt.Rectangle((16.2 + d, 18.4), 1, 1, facecolor=(COLOURS["loss"], 0.55), edgecolor=INK))
ax.text(16.2 + D / 2, 19.55, "D", ha="center", va="top", fontsize=13, style="italic", color=INK)
show(
    figure,
    alt="Two matrix products and a sum, shapes only. Above: the transposed gradient of the outputs, D×N in red, times x, N×C in blue, is "
    "the gradient of the weight, D×C. In the middle: the gradient of the outputs, N×D in red, times the weight, D×C in orange, not "
    "transposed, is the gradient of the inputs, N×C. A marked row of the first factor and a marked column of the second meet in "
    "one marked cell of the result. Below: each column of the gradient of the outputs, summed, is one entry of the gradient of the bias.",
)

# %% [markdown]
# Compare this with the forward pass: there the weight is transposed ($x\,w^T$), in the backward pass it is not ($\frac{\partial L}{\partial s}\,w$).
#
# ### Exercise: The backward pass by hand
#
# Write `linear_backward(grad_s, x, weight)`: it receives $\partial L/\partial s$ and the input and weight that the layer had in the forward pass,
# and returns the tuple `(grad_x, grad_weight, grad_bias)`, in the order of the arguments of `F.linear`. Use torch's operations on whole tensors: no
# loop, no NumPy, and no autograd (no `backward()`, no `torch.autograd.grad`, none of the functions in `torch.func` that differentiate). The
# gradients of the parameters are sums over the batch, not means; for a batch of 0 samples they are zeros. The weight may be the parameter of a
# layer. Leave the arguments as they are. The gradients are new tensors of the arguments' dtype (float16, float32 or float64).
#
# <details><summary>Hint 1: start with the shapes</summary>
#
# Write down the shape of each gradient first: `grad_x` is N×C like `x`, `grad_weight` is D×C like the weight, `grad_bias` is `(D,)`.
# Then arrange the factors as in the picture.
#
# </details>
#
# <details><summary>Hint 2: the bias</summary>
#
# It has one number per column of `grad_s`, so the dimension of the samples, dimension 0, is the one that disappears.
#
# </details>


# %% exercise="linear_backward" difficulty=2 minutes=10
def linear_backward(
    grad_s: torch.Tensor, x: torch.Tensor, weight: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The gradients of a loss with respect to a linear layer's input, weight and bias.

    grad_s: (N, D), the gradient with respect to the outputs. x: (N, C). weight: (D, C).
    Returns: the tuple (grad_x, grad_weight, grad_bias) with the shapes (N, C), (D, C), (D,).
    """
    ### BEGIN SOLUTION
    grad_x = grad_s @ weight
    grad_weight = grad_s.T @ x
    grad_bias = grad_s.sum(dim=0)
    return grad_x, grad_weight, grad_bias
    ### END SOLUTION


# %% check="linear_backward" points=2
import itertools

g = torch.Generator().manual_seed(15)
AUTOGRAD = {"backward", "grad", "requires_grad_", "_make_dual"}  # the last two are what torch.func calls on its way
PYTHON = {"tolist", "numpy", "__array__", "__dlpack__"}  # ways out of torch


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def same_memory(one, other):
    return one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def draw(n, c, d):
    return [torch.randn(size, generator=g) for size in [(n, d), (n, c), (d, c)]]


def call(grad_s, x, weight, about):
    """Your three gradients and the number of steps torch took; the arguments are looked at before the result."""
    before = [one.clone() for one in (grad_s, x, weight)]
    with forbidden("backward", "grad"):
        with Watch(operations=False) as seen:
            answer = linear_backward(inplace(grad_s), inplace(x), inplace(weight))
        must(not AUTOGRAD & set(seen.functions), "without autograd", "Your code has autograd compute the gradients.")
    told = "Your code leaves torch (`tolist` or NumPy). Matrix products do it all."
    must(not PYTHON & set(seen.functions), "everything is computed by torch", told)
    told = "Nothing comes back: is a `return` missing?" if answer is None else f"Yours is a {type(answer).__name__}."
    must(isinstance(answer, tuple), "linear_backward returns a tuple", told)
    must(len(answer) == 3, "the tuple has three gradients", f"Yours has {len(answer)}.")
    if not all(map(torch.equal, [grad_s, x, weight], before)):
        now, then = (dict(zip(("grad_s", "x", "weight"), one, strict=True)) for one in ([grad_s, x, weight], before))
        expect(now, then, f"grad_s, x and weight are left as they were, {about}", rtol=0, atol=0)
    return answer, len(seen.functions)


def gradients(grad_s, x, weight):
    """Autograd's, in the order grad_x, grad_weight, grad_bias."""
    leaves = [one.detach().clone().requires_grad_() for one in (x, weight, weight.new_zeros(len(weight)))]
    return torch.autograd.grad(F.linear(*leaves), leaves, grad_s.clone())


def compare(grad_s, x, weight):
    n, d = grad_s.shape
    about = f"for N={n}, C={x.shape[1]}, D={d}, like autograd's"
    wanted_x, wanted_weight, wanted_bias = gradients(grad_s, x, weight)
    answer, _ = call(grad_s, x, weight, about)
    close = {"rtol": 1e-4, "atol": 1e-5}
    order = {"The order is (grad_x, grad_weight, grad_bias).": wanted_weight} if n > 1 else {}
    if weight.shape[0] == weight.shape[1] > 1:  # only then does the wrong one fit
        order["In the backward pass the weight is not transposed."] = F.linear(grad_s, weight)
    expect(answer[0], wanted_x, f"grad_x {about}", mistakes=order, **close)
    mistakes = {
        "It is transposed: grad_weight has the shape of the weight, (D, C).": wanted_weight.T,
        "This is the mean over the samples, but the sum was asked for.": wanted_weight / n,
        "First multiply, then sum: each sample's error meets its own input.": torch.outer(wanted_bias, x.sum(0)),
    }
    expect(answer[1], wanted_weight, f"grad_weight {about}", mistakes=mistakes if n > 1 else {}, **close)
    mistakes = {
        "This is the mean over the samples, but the sum was asked for.": wanted_bias / n,
        "You summed over the outputs: sum over the samples, dimension 0.": grad_s.sum(dim=1),
        "Each sample still has its own row: sum over the samples.": grad_s,
        "Everything is summed up to one number: keep the columns apart.": grad_s.sum(),
        "The shape must be (D,), as for the bias.": wanted_bias[None],
    }
    expect(answer[2], wanted_bias, f"grad_bias {about}", mistakes=mistakes if n > 1 else {}, **close)


# A square weight first, because a wrong transpose raises no error there.
for n, c, d in [(6, 4, 4), (7, 5, 3), (1, 3, 2)]:
    compare(*draw(n, c, d))

LAYOUTS = {
    "each stored column by column": lambda one: one.T.contiguous().T,
    "each every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "each one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def battery(sizes, strange):
    """Descriptions with grad_s, x and weight. All values have so few digits that rounding hardly plays a part."""

    def make(n, c, d, dtype=torch.float32):
        made = [torch.randint(-3, 4, size, generator=g).to(dtype) for size in [(n, d), (n, c), (d, c)]]
        return [one * (1 + 2.0**-26) for one in made]  # in float64, more digits than float32 has

    for dtype in (torch.float32, torch.float64, torch.float16):
        for n, c, d in sizes:
            yield f"in {str(dtype)[6:]}", make(n if dtype == torch.float32 else min(n, 40), c, d, dtype)
    for dtype in (torch.float32, torch.float64):
        for name, layout in LAYOUTS.items():
            yield f"in {str(dtype)[6:]}, {name}", [layout(one) for one in make(*strange, dtype)]
    _, x, weight = make(*strange)
    yield "with one 1, expanded, as grad_s", [torch.ones(()).expand(len(x), len(weight)), x, weight]
    grad_s, x, weight = make(*strange)
    yield "with values in the millions", [grad_s * 2**20, x, weight]
    yield "with the weight of a layer", [grad_s, x, nn.Parameter(weight)]
    grad_s, x, weight = make(3000, *strange[1:], torch.float16)
    yield "in float16, with gradients of about 1e-4", [grad_s.abs() * 2.0**-14, x, weight]


def alike(mine, wanted, rtol, atol):
    same_kind = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (wanted.shape, wanted.dtype)
    return same_kind and torch.allclose(mine.double(), wanted.double(), rtol, atol)


TOLERANCE = {torch.float16: (2e-3, 1e-2), torch.float32: (1e-5, 1e-4), torch.float64: (1e-12, 1e-12)}


def thorough(sizes, strange):
    few, kept, traced, count = {}, [], [], 0
    for dtype in TOLERANCE:
        _, few[dtype] = call(*[one.to(dtype) for one in draw(3, 4, 5)], f"for N=3, C=4, D=5 in {dtype}")
    for about, arguments in battery(sizes, strange):
        (n, d), c = arguments[0].shape, arguments[1].shape[1]
        about = f"for N={n}, C={c}, D={d} {about}"
        wanted = gradients(*arguments)
        with torch.autograd.graph.saved_tensors_hooks(lambda one: one, lambda one: traced.append(0) or one):
            answer, steps = call(*arguments, about)
        must(not traced, "without autograd", "Your code has autograd compute the gradients.")
        rtol, atol = TOLERANCE[arguments[0].dtype]
        loose = {"rtol": rtol, "atol": atol}
        for name, mine, right in zip(("grad_x", "grad_weight", "grad_bias"), answer, wanted, strict=True):
            if not alike(mine, right, **loose):
                told = "Yours is float32, whatever the arguments are: something of another dtype takes part."
                lost = {} if right.dtype == torch.float32 else {told: right.float()}
                if right.dtype == torch.float64 and alike(mine, right, 1e-6, 1e-4):
                    lost["Digits are lost on the way: the computation is in float32."] = mine
                expect(mine, right, f"{name} {about}", mistakes=lost, **loose)
            kept.append((mine, mine.clone()))
        told = "One of yours is an argument, or a part of one: make new tensors."
        new = not any(same_memory(*two) for two in itertools.product(answer, arguments))
        must(new, f"the gradients are new tensors, {about}", told)
        told = "Your code goes through the samples in Python. Matrix products do it all."
        must(steps <= few[arguments[0].dtype] + 5, f"no loop: torch computes {n} samples in as many steps as 3", told)
        count += 1
    told = "A later call overwrote it: make new tensors in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result stays as it was", told)
    require(True, f"no loop, and right for {count} more inputs: other sizes, dtypes and places in memory", "")


thorough([(20, 6, 4), (1, 1, 1), (4, 1, 3), (5, 3, 1), (40, 30, 20), (20_000, 5, 7), (0, 3, 2)], (4, 3, 5))
### BEGIN HIDDEN TESTS
compare(*draw(5, 5, 5))
thorough([(33, 3, 3), (1, 5, 1), (6, 1, 2), (77, 4, 6), (50, 40, 45), (18_000, 6, 2), (0, 4, 3)], (6, 4, 3))
### END HIDDEN TESTS

# %% [markdown]
# ## Two layers in a row
#
# What does a second layer add? Put the first into the second,
#
# $$s = \left(x\,w_1^T + b_1\right) w_2^T + b_2 ,$$
#
# and multiply out: $x$ times one matrix, plus a constant row. So for every pair of linear layers there is **one** layer that computes the same
# function.
#
# ### Exercise: Collapse two layers into one
#
# Write `collapse(first, second)`: it returns a new `nn.Linear` with a bias, such that `collapse(first, second)(x)` equals `second(first(x))` for
# every `x`, up to rounding. The given layers are plain `nn.Linear` layers; either of them, or both, may have been made with `bias=False`. The new layer
# has their dtype (float16, float32 or float64), is trainable even if the given ones are **frozen** (`requires_grad=False`), and shares no memory
# with any other layer. Leave the given layers exactly as they are: their parameters with their gradients and `requires_grad`, a missing bias, their
# mode. Add nothing to them. If they are trained further, a later call must use their new values.
#
# <details><summary>Hint 1: multiply out on paper</summary>
#
# In the formula above, which part has $x$ as a factor? Write it as $x\,w^T$ and remember that $(a\,b)^T = b^T a^T$. The rest is the bias.
#
# </details>
#
# <details><summary>Hint 2: check the shapes</summary>
#
# `first` is C → H, `second` is H → D. Their weights are H×C and D×H, and the new one must be D×C. There is only one order.
#
# </details>
#
# <details><summary>Hint 3: the bias passes through the second layer</summary>
#
# What comes out of `second(first(x))` for $x = 0$? Exactly the new bias. A bias of `None` counts as zeros.
#
# </details>


# %% exercise="collapse" difficulty=2 minutes=12
def collapse(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """One linear layer that computes second(first(x)).

    first: C → H. second: H → D. Returns: a new layer C → D with a bias.
    """
    ### BEGIN SOLUTION
    weight = first.weight.detach()
    layer = nn.Linear(first.in_features, second.out_features, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ weight)
        layer.bias.copy_(second(first(weight.new_zeros(first.in_features))))
    return layer
    ### END SOLUTION


# %% check="collapse" points=3
g = torch.Generator().manual_seed(16)


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def pair(c, h, d, first_bias=True, second_bias=True, dtype=torch.float32):
    """Two layers whose parameters have so few digits that rounding plays no part."""
    layers = nn.Linear(c, h, first_bias, dtype=dtype), nn.Linear(h, d, second_bias, dtype=dtype)
    with torch.no_grad():
        for parameter in [*layers[0].parameters(), *layers[1].parameters()]:
            parameter.copy_(torch.randint(-3, 4, parameter.shape, generator=g))
        for parameter in layers[0].parameters():
            parameter *= 1 + 2.0**-26  # in float64, more digits than float32 has
    return layers


def state(name, layer):
    """All that a layer is, in words, with a value to compare."""
    found = {f"{name}.{one}": getattr(layer, one) for one in ("in_features", "out_features", "training")}
    for kind in ("weight", "bias"):
        one = getattr(layer, kind)
        found[f"{name}.{kind}"] = None if one is None else (id(one), one.dtype, one.detach().clone())
        if one is not None:
            found[f"{name}.{kind}.requires_grad"] = one.requires_grad
            found[f"{name}.{kind}.grad"] = None if one.grad is None else one.grad.clone()
    found[f"{name}.state_dict()"] = sorted(layer.state_dict())
    return found


def differ(now, before):
    if isinstance(before, tuple) and isinstance(now, tuple):
        return now[:2] != before[:2] or differ(now[2], before[2])
    if isinstance(before, torch.Tensor) and isinstance(now, torch.Tensor):
        return not torch.equal(now, before)
    return type(now) is not type(before) or now != before


def collapsed(first, second, about=""):
    """The answer, after all that must hold for every pair of layers."""
    before = state("first", first) | state("second", second)
    layer = collapse(inplace(first), inplace(second))
    told = f"What comes back is a {type(layer).__name__}."
    told = "Nothing comes back: is a `return` missing?" if layer is None else told
    must(isinstance(layer, nn.Linear), "collapse returns an nn.Linear", told)
    told = "Yours is one of the given layers, overwritten: make a new nn.Linear."
    must(layer is not first and layer is not second, "collapse returns a new layer", told)
    now = state("first", first) | state("second", second)
    for name in now:
        new = name.endswith("bias") and before[name] is None and now[name] is not None
        replaced = ", or was replaced" if name.endswith(("weight", "bias")) else ""
        told = f"You gave it a bias: {name} was None." if new else f"{name} has changed{replaced}."
        must(not differ(now[name], before.get(name)), f"the given layers are left as they were {about}".strip(), told)
    must(layer.bias is not None, f"the new layer has a bias {about}".strip(), "It has none.")
    told = "requires_grad is False for its weight or its bias."
    must(layer.weight.requires_grad and layer.bias.requires_grad, "the new layer is trainable", told)
    names = sorted(name for name, _ in layer.named_parameters())
    right = names == ["bias", "weight"] and isinstance(layer.weight, nn.Parameter)
    told = f"layer.named_parameters() finds {names or 'none'}."
    must(right, "weight and bias of the new layer are its parameters", told)
    dtypes = [layer.weight.dtype, layer.bias.dtype]
    if dtypes != [first.weight.dtype] * 2:
        told = "A new layer is float32 unless you give it another dtype: dtype=first.weight.dtype."
        mistakes = {told: [torch.float32] * 2}
        expect(dtypes, [first.weight.dtype] * 2, f"the dtypes of the new weight and bias {about}", mistakes=mistakes)
    sizes = [layer.in_features, layer.out_features, *layer.weight.shape, *layer.bias.shape]
    c, d = first.in_features, second.out_features
    if sizes != [c, d, d, c, d]:
        expect(
            dict(zip(("in_features", "out_features"), sizes, strict=False)),
            {"in_features": c, "out_features": d},
            f"in_features and out_features {about}",
        )
        expect(
            {"weight": str(tuple(layer.weight.shape)), "bias": str(tuple(layer.bias.shape))},
            {"weight": f"({d}, {c})", "bias": f"({d},)"},
            f"the shapes of its parameters {about}",
        )
    return layer


def compare(first, second, about, rounds):
    """All that an answer must do with its own parameters, and leave alone; `rounds` times, whether it goes on learning."""
    x = torch.randint(-2, 3, (4, first.in_features), generator=g).to(first.weight.dtype)
    x[0] *= 1 if x.dtype == torch.float16 else 1000
    wanted, before = second(first(x)).detach(), state("first", first) | state("second", second)
    layer = collapsed(first, second, about)
    if first.bias is None and second.bias is None:
        told = "It is not 0: a new layer's bias is random, so it has to be overwritten in this case, too."
        must(not layer.bias.any().item(), "without any bias in the given layers, the new bias is 0", told)
    factors = torch.randint(-2, 3, wanted.shape, generator=g).to(x.dtype)
    for one in [x, x[:1]][:rounds]:
        y = layer(one)
        if not torch.equal(y.detach(), wanted[: len(one)]):
            close = {"rtol": 1e-12, "atol": 1e-12} if x.dtype == torch.float64 else {}
            expect(y.detach(), wanted[: len(one)], f"collapse(first, second)(x) {about}", **close)
        layer.zero_grad()
        told = "They stop on the way: write the values under torch.no_grad(), into nn.Parameters of the new layer."
        what = "gradients reach the weight and the bias of the new layer"
        must(y.requires_grad, what, told)
        (y * factors[: len(one)]).sum().backward()
        must(layer.weight.grad is not None and layer.bias.grad is not None, what, told)
        expected = factors[: len(one)].T @ one, factors[: len(one)].sum(0)
        for name, parameter, gradient in zip(("weight", "bias"), (layer.weight, layer.bias), expected, strict=True):
            if not torch.equal(parameter.grad, gradient):
                expect(parameter.grad, gradient, f"the gradient of the new layer's {name}, like that of any nn.Linear")
    now = state("first", first) | state("second", second)
    told = "The new layer still depends on the given ones: use their values, not their parameters."
    must(not any(differ(now[name], before[name]) for name in now), "no gradient reaches the given layers", told)
    kept = y.detach().clone()
    with torch.no_grad():
        for given in [*first.parameters(), *second.parameters()]:
            given.zero_()
    other = collapsed(first, second, about)
    stale = other.weight.any().item()
    with torch.no_grad():
        for new in other.parameters():
            new.zero_()
    told = (
        "When another layer (a given one, or the result of a second call) was overwritten, the new one changed with it."
    )
    must(torch.equal(layer(one).detach(), kept), "the new layer shares no memory with another", told)
    told = "All parameters were set to 0, and the next call still gave the old product: keep nothing between calls."
    must(not stale, "a later call uses the values that the layers have by then", told)


# All widths equal first: there, factors in the wrong order raise no error.
first, second = nn.Linear(2, 2), nn.Linear(2, 2)
with torch.no_grad():
    first.weight.copy_(torch.tensor([[1, 2], [0, 1]]))
    first.bias.copy_(torch.tensor([5, -1]))
    second.weight.copy_(torch.tensor([[1, 0], [3, 1]]))
    second.bias.copy_(torch.tensor([10, 20]))
layer = collapsed(first, second)
expect(
    layer.weight.detach(),
    torch.tensor([[1.0, 2], [3, 7]]),
    "the new weight for w₁ = [[1, 2], [0, 1]] and w₂ = [[1, 0], [3, 1]]",
    mistakes={
        "The factors are in the wrong order: (a b)ᵀ = bᵀ aᵀ.": torch.tensor([[7.0, 2], [3, 1]]),
        "It is transposed: a weight has one row per output.": torch.tensor([[1.0, 3], [2, 7]]),
        "Both weights are transposed: multiply them as they are stored, in the other order.": torch.tensor(
            [[7.0, 3], [2, 1]]
        ),
        "Two linear maps in a row multiply, they do not add.": torch.tensor([[2.0, 2], [3, 2]]),
    },
)
expect(
    layer.bias.detach(),
    torch.tensor([15.0, 34]),
    "the new bias for b₁ = [5, −1] and b₂ = [10, 20]",
    mistakes={
        "The first bias passes through the second layer, so it is multiplied by the second weight.": torch.tensor(
            [15.0, 19]
        ),
        "The second weight is transposed where it meets the first bias.": torch.tensor([12.0, 19]),
        "The first layer's bias is lost.": torch.tensor([10.0, 20]),
        "The second layer's bias is lost.": torch.tensor([5.0, 14]),
    },
)


def battery(rows):
    """Descriptions with pairs of layers: widths, biases, dtype, the parameters that are frozen, and what else is unusual."""
    for (c, h, d), one, two, dtype, frozen, unusual in rows:
        first, second = pair(c, h, d, one, two, dtype)
        if "the identity" in unusual:
            with torch.no_grad():
                second.weight.copy_(torch.eye(h))
        if "gradients left over" in unusual:
            second(first(torch.ones(2, c, dtype=dtype))).sum().backward()
        first.train("first in" not in unusual)
        second.train("second in" not in unusual)
        for name, parameter in nn.ModuleDict({"first": first, "second": second}).named_parameters():
            parameter.requires_grad_(not name.startswith(frozen))
        about = f"for {c} → {h} → {d} in {str(dtype)[6:]}, bias={one} and bias={two}"
        about += f", {' and '.join(frozen)} frozen" if frozen else ""
        yield f"{about}, {unusual}" if unusual else about, first, second


def thorough(rows):
    for k, (about, first, second) in enumerate(battery(rows)):
        compare(first, second, about, rounds=2 if k == 0 else 1)
    require(True, f"right for {len(rows)} pairs: with and without biases, in three dtypes, frozen or not", "")


half, single, double = torch.float16, torch.float32, torch.float64
thorough(
    [
        ((3, 7, 5), True, True, single, (), ""),
        ((6, 2, 5), False, True, single, ("first",), ""),
        ((4, 3, 6), True, False, single, ("second",), "first in evaluation mode"),
        ((2, 5, 3), False, False, single, (), "gradients left over from before"),
        ((1, 4, 1), True, True, double, ("first", "second"), ""),
        ((5, 1, 6), False, False, double, ("second.weight",), ""),
        ((3, 4, 4), False, True, double, (), "the identity as second weight"),
        ((2, 3, 5), True, False, half, (), "second in evaluation mode"),
        ((4, 2, 3), True, True, half, ("first.bias",), "gradients left over from before"),
    ]
)
### BEGIN HIDDEN TESTS
thorough(
    [
        ((4, 6, 3), True, True, double, ("second.bias",), "gradients left over from before"),
        ((5, 3, 7), False, True, half, ("first", "second"), "first in evaluation mode"),
        ((2, 4, 6), True, False, single, ("first.weight",), "second in evaluation mode"),
        ((4, 4, 4), True, False, double, (), "the identity as second weight"),
        ((1, 1, 1), False, False, half, (), ""),
    ]
)
### END HIDDEN TESTS


# %% yours folded label="Your function, or the course's own version"
def weight_only(first, second):
    """A layer with the weight that does the work of two: the derivative of their outputs. Its bias is of no use."""
    layer = nn.Linear(first.in_features, second.out_features)
    x = torch.zeros(first.in_features)
    layer.weight.data = torch.autograd.functional.jacobian(lambda x: second(first(x)), x)
    return layer


to_one = yours_or_ours(collapse, weight_only, nn.Linear(10, 3), nn.Linear(3, 4), call=(torch.ones(2, 10),), random=True)

# %% [markdown]
# ### How wide must the middle be?
#
# **Before you run it:** `nn.Linear(10, 4)` has 44 parameters. With 100 units in the middle, 10 → 100 → 4, the pair has 1,504. With 2 units,
# 10 → 2 → 4, it has 34. Which of the two pairs can compute *every* map that the single layer can? And how few units in the middle are enough?
#
# For each of three widths in the middle, `to_one` makes one layer of the pair, and the cell prints the *rank* of its weight: the number of its
# linearly independent rows. (`to_one` is your `collapse`. Until you have solved it, the course's own version is used instead.)

# %% predict
torch.manual_seed(0)
for middle in (100, 4, 2):
    weight = to_one(nn.Linear(10, middle), nn.Linear(middle, 4)).weight.detach()
    rank = torch.linalg.matrix_rank(weight, rtol=1e-4).item()
    print(f"10 → {middle:3} → 4: weight {tuple(weight.shape)}, rank {rank}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The wide pair can, but it needs 1,504 parameters for what the single layer does with 44. At least 4 units are needed, the smaller of 10 and 4, and 4
# are enough: any 4×10 matrix is a product of a 4×4 matrix (the identity) and a 4×10 matrix. Further units may have the weight 0.
#
# The narrow pair computes *fewer* maps: a product of a 4×2 and a 2×10 matrix has rank 2 at most, while a 4×10 matrix may have rank 4. The narrow
# pair's weight is called **low rank**. (That is useful where parameters are expensive: 1000 → 10 → 1000 has 21,010 parameters, one full layer
# 1,001,000.)
#
# </details>
#
# ### A ReLU in between
#
# To compute more than one layer can, a network puts an activation function between its linear layers. Here is a net with one input, 8 units and one
# output, all parameters drawn at random.
#
# **Before you run it:** the output is drawn against the input. What does the curve look like? How many bends does it have at most?

# %% predict
torch.manual_seed(5)
one, two = nn.Linear(1, 8), nn.Linear(8, 1)
line = torch.linspace(-1, 2, 301)[:, None]
with torch.no_grad():
    curve = two(F.relu(one(line)))

# %% predict folded label="Draw the output against the input"
figure, ax = plot_axes(6.0, 3.0)
with torch.no_grad():
    bends = -one.bias / one.weight[:, 0]
    print("bends at x =", " ".join(f"{x:.2f}" for x in bends.sort().values))
    ax.plot(line[:, 0], curve[:, 0], color=COLOURS["output"], linewidth=2.2)
    ax.plot(
        bends, two(F.relu(one(bends[:, None])))[:, 0], "o", color=COLOURS["learned"], label="a bend, one for each unit"
    )
ax.set(xlabel="input x", ylabel="output")
ax.legend(frameon=False)
show(
    figure,
    alt="Output against input from -1 to 2 for a random net 1 → 8 → 1 with a ReLU: a line made of straight pieces. Eight dots "
    "mark the bends, one for each unit of the middle layer.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# It is made of straight pieces. Each unit adds one bend at most, where its own input crosses 0, and here all 8 show. Without the ReLU the pair would
# be one linear layer, and the curve one straight line.
#
# </details>
#
# ### Back through two layers
#
# With a ReLU in between, two layers can't be collapsed, and the backward pass has to go through all three steps. Each step receives the gradient
# with respect to its output and passes on the one with respect to its input. Layer 2 passes on its $\partial L/\partial x$. Its input was $h$, so
# this is $\partial L/\partial h$:
#
# $$\frac{\partial L}{\partial h} = \frac{\partial L}{\partial s_2}\, w_2 .$$
#
# The ReLU passes the gradient on where its own input was greater than 0, and passes 0 elsewhere, even where its input was exactly 0. What comes out,
# $\partial L/\partial s_1$, is what layer 1 receives. Together with its input $x$ it gives the gradients of $w_1$ and $b_1$.
#
# Each step of the backward pass needs something from the forward pass. The dashed arrows in the picture show what.


# %% folded label="Draw the forward and the backward pass"
figure, ax = canvas(18.0, 6.8, cell=0.31)
stations = [("x", "N×C", "input"), ("s₁", "N×H", "plain"), ("h", "N×H", "plain"), ("s₂", "N×D", "output")]
for k, (name, shape, role) in enumerate(stations):
    left = 0.1 + 5.0 * k
    for top, colour, text in [(1.2, COLOURS[role], name), (4.2, COLOURS["loss"], f"∂L/∂{name}")]:
        ax.add_artist(plt.Rectangle((left, top), 2.6, 1.5, facecolor=(colour, 0.12), edgecolor=colour, linewidth=2))
        ax.text(left + 1.3, top + 0.58, text, ha="center", va="center", fontsize=11, weight="bold", color=colour)
        ax.text(left + 1.3, top + 1.12, shape, ha="center", va="center", fontsize=9.5, color=INK)
for k, step in enumerate(["layer 1: w₁, b₁", "ReLU", "layer 2: w₂, b₂"]):
    start, end = 2.8 + 5.0 * k, 5.0 + 5.0 * k
    ax.annotate("", (end, 1.95), (start, 1.95), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.6})
    ax.annotate("", (start, 4.95), (end, 4.95), arrowprops={"arrowstyle": "->", "color": COLOURS["loss"], "lw": 1.6})
    needs = {"arrowstyle": "->", "color": INK, "lw": 1.1, "linestyle": "--"}
    ax.annotate("", ((start + end) / 2, 4.85), (start - 0.4, 2.8), arrowprops=needs)
    learned = step != "ReLU"
    ax.text((start + end) / 2, 0.75, step, ha="center", fontsize=10, color=COLOURS["learned"] if learned else INK)
    if learned:
        number = "₁₂"[k // 2]
        ax.text(
            (start + end) / 2, 6.3, f"∂L/∂w{number}, ∂L/∂b{number}", ha="center", fontsize=10, color=COLOURS["loss"]
        )
show(
    figure,
    alt="Two rows of boxes. Above, the forward pass from left to right: x of N×C, layer 1, s₁ of N×H, ReLU, h of N×H, layer 2, "
    "s₂ of N×D. Below in red, the backward pass from right to left through gradients of the same shapes: ∂L/∂s₂, ∂L/∂h, "
    "∂L/∂s₁, ∂L/∂x. Layer 2 gives ∂L/∂w₂ and ∂L/∂b₂ on the way, layer 1 gives ∂L/∂w₁ and ∂L/∂b₁. Dashed arrows lead down from "
    "x to the backward step of layer 1, from s₁ to that of the ReLU, and from h to that of layer 2.",
)

# %% [markdown]
# ### Exercise: Backward through a small network
#
# The network is $s_1 = x\,w_1^T + b_1$, $h = \mathrm{relu}(s_1)$, $s_2 = h\,w_2^T + b_2$. Write `two_layer_backward(x, w1, b1, w2, grad_s2)`: it
# receives $\partial L/\partial s_2$ and returns the tuple `(grad_w1, grad_b1, grad_w2, grad_b2)`. Each gradient is a sum over the batch; for a
# batch of 0 samples, all are zeros. Compute $s_1$ and $h$ again inside the function. Use torch's operations on whole tensors: no loop, no NumPy,
# and no autograd (no `backward()`, no `torch.autograd.grad`, none of the functions in `torch.func` that differentiate). `w1`, `b1` and `w2` may be
# the parameters of layers. Leave the arguments as they are. The gradients are new tensors of the arguments' dtype (float16, float32 or float64).
#
# You may call your `linear_backward`, but a mistake in it then costs points here, too. Writing out the products is safer and hardly longer.
#
# `b2` is not an argument. Before you begin: why not?
#
# <details><summary>Why b2 is not needed</summary>
#
# $b_2$ is only added, so the derivatives of $s_2$ with respect to $h$, $w_2$ and $b_2$ do not contain it. It does change the values of $s_2$ and with
# them the loss, but that effect is already in $\partial L/\partial s_2$. For the same reason `linear_backward` takes no bias. $b_1$ is needed: it
# helps to decide where the ReLU lets anything through.
#
# </details>
#
# <details><summary>Hint 1: the order of work</summary>
#
# Forward as far as $h$. Then backward: layer 2, ReLU, layer 1. Follow the red boxes from right to left.
#
# </details>
#
# <details><summary>Hint 2: what was the input of each layer?</summary>
#
# The gradient of a weight needs the input that *this* layer had in the forward pass. For layer 2 that is $h$: not $x$, and not $s_1$.
#
# </details>
#
# <details><summary>Hint 3: backward through the ReLU</summary>
#
# Multiply by 1 where $s_1 > 0$ and by 0 elsewhere. A comparison gives a tensor of booleans, and you can multiply numbers by booleans. (Don't convert
# them with `.float()`: that is float32, whatever the dtype of the rest.)
#
# </details>


# %% exercise="two_layer_backward" difficulty=3 minutes=15
def two_layer_backward(
    x: torch.Tensor, w1: torch.Tensor, b1: torch.Tensor, w2: torch.Tensor, grad_s2: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The gradients of the parameters of linear → ReLU → linear.

    x: (N, C). w1: (H, C). b1: (H,). w2: (D, H). grad_s2: (N, D), the gradient with respect to the outputs.
    Returns: the tuple (grad_w1, grad_b1, grad_w2, grad_b2) with the shapes (H, C), (H,), (D, H), (D,).
    """
    ### BEGIN SOLUTION
    s1 = x @ w1.T + b1
    h = s1.clamp(min=0)
    grad_h = grad_s2 @ w2
    grad_s1 = grad_h * (s1 > 0)
    return grad_s1.T @ x, grad_s1.sum(dim=0), grad_s2.T @ h, grad_s2.sum(dim=0)
    ### END SOLUTION


# %% check="two_layer_backward" points=3
import itertools

g = torch.Generator().manual_seed(17)
AUTOGRAD = {"backward", "grad", "requires_grad_", "_make_dual"}  # the last two are what torch.func calls on its way
PYTHON = {"tolist", "numpy", "__array__", "__dlpack__"}  # ways out of torch
NAMES = "grad_w1", "grad_b1", "grad_w2", "grad_b2"


def named(values):
    return dict(zip(NAMES, values, strict=True))


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def same_memory(one, other):
    return one.numel() > 0 and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def draw(n, c, h, d):
    return [torch.randn(size, generator=g) for size in [(n, c), (h, c), (h,), (d, h), (n, d)]]


def gradients(relu, x, w1, b1, w2, grad_s2):
    """What autograd makes of the network, with this function in place of the ReLU."""
    leaves = [one.detach().clone().requires_grad_() for one in (w1, b1, w2, w2.new_zeros(len(w2)))]
    s2 = F.linear(relu(F.linear(x, *leaves[:2])), *leaves[2:])
    return torch.autograd.grad(s2, leaves, grad_s2)


def open_relu(s1):
    return s1 + (F.relu(s1) - s1).detach()  # forward a ReLU, backward nothing


def relu_of_gradient(s1):
    h = open_relu(s1)
    h.register_hook(F.relu)
    return h


def times_h(s1):
    h = open_relu(s1)
    h.register_hook(lambda gradient: gradient * h.detach())
    return h


def call(arguments, about):
    """Your four gradients and the number of steps torch took; the arguments are looked at before the result."""
    x, w1, b1, w2, grad_s2 = arguments
    before = [one.clone() for one in arguments]
    with forbidden("backward", "grad"):
        with Watch(operations=False) as seen:
            answer = two_layer_backward(inplace(x), inplace(w1), inplace(b1), inplace(w2), inplace(grad_s2))
        must(not AUTOGRAD & set(seen.functions), "without autograd", "Your code has autograd compute the gradients.")
    told = "Your code leaves torch (`tolist` or NumPy). Matrix products do it all."
    must(not PYTHON & set(seen.functions), "everything is computed by torch", told)
    told = "Nothing comes back: is a `return` missing?" if answer is None else f"Yours is a {type(answer).__name__}."
    must(isinstance(answer, tuple), "two_layer_backward returns a tuple", told)
    must(len(answer) == 4, "the tuple has four gradients", f"Yours has {len(answer)}.")
    if not all(map(torch.equal, arguments, before)):
        names = "x", "w1", "b1", "w2", "grad_s2"
        now, then = (dict(zip(names, one, strict=True)) for one in (arguments, before))
        expect(now, then, f"the arguments are left as they were, {about}", rtol=0, atol=0)
    return answer, len(seen.functions)


def compare(arguments, about):
    x, w1, b1, w2, grad_s2 = arguments
    n, wanted = len(x), gradients(F.relu, *arguments)
    answer, _ = call(arguments, about)
    shapes = [tuple(one.shape) for one in wanted]
    theirs = [tuple(one.shape) if isinstance(one, torch.Tensor) else "no tensor" for one in answer]
    mistakes = {
        "The order is (grad_w1, grad_b1, grad_w2, grad_b2).": [*shapes[2:], *shapes[:2]],
        "The gradient of a weight has the weight's shape: yours are transposed.": [
            size[::-1] if len(size) == 2 else size for size in shapes
        ],
        "Sum the bias gradients over the samples, dimension 0.": [shapes[0], (n,), shapes[2], (n,)],
        "The input of layer 2 is h, not x.": [*shapes[:2], (len(w2), x.shape[1]), shapes[3]],
        "The bias gradients have one dimension: no keepdim.": [
            (1, *size) if len(size) == 1 else size for size in shapes
        ],
    }
    mistakes = {told: named(map(str, sizes)) for told, sizes in mistakes.items()}
    theirs, shapes = named(map(str, theirs)), named(map(str, shapes))
    expect(theirs, shapes, f"the shapes of the four gradients {about}", mistakes=mistakes)
    wrong = {
        "This is the mean over the samples, but the sum was asked for.": [one / n for one in wanted],
        "The input of layer 2 is h, after the ReLU, not s₁.": gradients(lambda s1: s1, *arguments),
        "The ReLU is missing in the backward pass: where s₁ ≤ 0 nothing passes.": gradients(open_relu, *arguments),
        "Look at the sign of s₁, the ReLU's input, not at the sign of the gradient.": gradients(
            relu_of_gradient, *arguments
        ),
        "The gradient is multiplied by h, but the ReLU's slope is 1 or 0.": gradients(times_h, *arguments),
        "b1 is missing in the forward pass.": gradients(F.relu, x, w1, b1 * 0, w2, grad_s2),
    }
    known = {"grad_w1": [0, 2, 3, 4], "grad_b1": [0, 2, 3, 4], "grad_w2": [0, 1, 5], "grad_b2": [0]}
    for i in (2, 3, 0, 1):
        mistakes = {list(wrong)[k]: list(wrong.values())[k][i] for k in known[NAMES[i]]}
        expect(answer[i], wanted[i], f"{NAMES[i]} {about}", mistakes=mistakes, rtol=1e-4, atol=1e-4)


compare(draw(9, 4, 6, 3), "for N=9, C=4, H=6, D=3, like autograd's")
# Whole numbers, so that s₁ is exactly 0 in three places.
arguments = [
    torch.tensor(one, dtype=torch.float32)
    for one in (
        [[1, 2], [0, -1], [2, 1]],
        [[1, -1], [2, 0], [0, 1]],
        [1, 0, -1],
        [[2, 1, 3], [1, -1, 2]],
        [[1, 2], [3, -1], [2, 1]],
    )
]
answer, _ = call(arguments, "where s₁ is exactly 0 in some places")
wanted = gradients(F.relu, *arguments)
at_zero = gradients(lambda s1: torch.where(s1 >= 0, s1, 0), *arguments)
expect(
    named(answer),
    named(wanted),
    "the gradients where s₁ is exactly 0 in some places, like autograd's",
    mistakes={"Where s₁ is exactly 0, nothing passes.": named(at_zero)},
)

LAYOUTS = {
    "each stored column by column": lambda one: one.T.contiguous().T if one.dim() == 2 else one,
    "each every second number of a larger tensor": lambda one: torch.stack([one, one + 1], -1)[..., 0],
    "each one row repeated by expand": lambda one: one[:1].expand(one.shape),
}


def battery(sizes, strange):
    """Descriptions with the five arguments. All have few digits, but for two units close to 0."""

    def make(n, c, h, d, dtype=torch.float32):
        shapes = [(n, c), (h, c), (h,), (d, h), (n, d)]
        made = [torch.randint(-2, 3, size, generator=g).to(dtype) for size in shapes]
        if h > 4:  # a dead unit, one whose s₁ is exactly 0, one just above, one just below
            small = 2.0 ** (-24 if dtype == torch.float16 else -100)
            made[1][:4], made[2][:4] = 0, torch.tensor([-100, 0, small, -small])
        made[0], made[4] = (made[k] * (1 + 2.0**-26) for k in (0, 4))  # in float64, more digits than float32 has
        return made

    for dtype in (torch.float32, torch.float64, torch.float16):
        for n, c, h, d in sizes:
            yield f"in {str(dtype)[6:]}", make(n if dtype == torch.float32 else min(n, 20), c, h, d, dtype)
    for dtype in (torch.float32, torch.float64):
        for name, layout in LAYOUTS.items():
            yield f"in {str(dtype)[6:]}, {name}", [layout(one) for one in make(*strange, dtype)]
    *others, grad_s2 = make(*strange)
    yield "with one 1, expanded, as grad_s2", [*others, torch.ones(()).expand(grad_s2.shape)]
    *others, grad_s2 = make(*strange)
    yield "with values in the millions", [*others, grad_s2 * 2**20]
    x, *parameters = others
    yield "with the parameters of layers", [x, *map(nn.Parameter, parameters), grad_s2]


def alike(mine, wanted, rtol, atol):
    same_kind = isinstance(mine, torch.Tensor) and (mine.shape, mine.dtype) == (wanted.shape, wanted.dtype)
    return same_kind and torch.allclose(mine.double(), wanted.double(), rtol, atol)


TOLERANCE = {torch.float16: (2e-3, 1e-2), torch.float32: (1e-5, 1e-4), torch.float64: (1e-12, 1e-12)}


def thorough(sizes, strange):
    few, kept, traced, count = {}, [], [], 0
    for dtype in TOLERANCE:
        _, few[dtype] = call([one.to(dtype) for one in draw(3, 4, 5, 6)], f"for N=3, C=4, H=5, D=6 in {dtype}")
    for about, arguments in battery(sizes, strange):
        (n, c), (d, h) = arguments[0].shape, arguments[3].shape
        about = f"for N={n}, C={c}, H={h}, D={d} {about}"
        wanted = gradients(F.relu, *arguments)
        with torch.autograd.graph.saved_tensors_hooks(lambda one: one, lambda one: traced.append(0) or one):
            answer, steps = call(arguments, about)
        must(not traced, "without autograd", "Your code has autograd compute the gradients.")
        rtol, atol = TOLERANCE[arguments[0].dtype]
        loose = {"rtol": rtol, "atol": atol}
        for name, mine, right in zip(NAMES, answer, wanted, strict=True):
            if not alike(mine, right, **loose):
                told = "Yours is float32, whatever the arguments are: something of another dtype takes part."
                lost = {} if right.dtype == torch.float32 else {told: right.float()}
                if right.dtype == torch.float64 and alike(mine, right, 1e-6, 1e-4):
                    lost["Digits are lost on the way: the computation is in float32."] = mine
                expect(mine, right, f"{name} {about}", mistakes=lost, **loose)
            kept.append((mine, mine.clone()))
        told = "One of yours is an argument, or a part of one: make new tensors."
        new = not any(same_memory(*two) for two in itertools.product(answer, arguments))
        must(new, f"the gradients are new tensors, {about}", told)
        told = "Your code goes through the samples in Python. Matrix products do it all."
        must(steps <= few[arguments[0].dtype] + 5, f"no loop: torch computes {n} samples in as many steps as 3", told)
        count += 1
    told = "A later call overwrote it: make new tensors in each call."
    must(all(torch.equal(*pair) for pair in kept), "an earlier result stays as it was", told)
    require(True, f"no loop, and right for {count} more inputs: other sizes, dtypes and places in memory", "")


thorough(
    [(20, 4, 7, 3), (1, 1, 1, 1), (4, 3, 5, 1), (5, 1, 6, 2), (40, 30, 20, 25), (20_000, 3, 8, 4), (0, 2, 5, 3)],
    (4, 3, 6, 2),
)
### BEGIN HIDDEN TESTS
compare(draw(8, 3, 7, 2), "for N=8, C=3, H=7, D=2, like autograd's")
thorough(
    [(33, 2, 5, 4), (1, 5, 9, 1), (6, 1, 2, 3), (77, 4, 6, 2), (50, 35, 30, 40), (18_000, 2, 7, 3), (0, 3, 6, 2)],
    (5, 2, 8, 3),
)
### END HIDDEN TESTS

# %% [markdown]
# ## Your gradients at work: reading digits
#
# You now have all the parts of a network that learns: initial values, a forward pass and a backward pass. Train it on 1,438 handwritten digits of
# 8×8 pixels, 64 → 32 → 10. The target for each image is 1 for the right digit and 0 for the other nine. The loss is half the squared error, summed
# over the ten outputs and averaged over the images, so $\partial L/\partial s_2$ is the error divided by $N$. In each step, every parameter moves
# against its gradient, by 0.5 times the gradient: the learning rate is 0.5.
#
# `start` uses your `initial_values`, and `backward` is your `two_layer_backward`. For each of the two that you have not solved yet, the course's
# own version stands in.


# %% yours folded label="Your functions, or the course's own versions"
def autograd_backward(x, w1, b1, w2, grad_s2):
    leaves = [one.detach().clone().requires_grad_() for one in (w1, b1, w2, torch.zeros(len(w2)))]
    with torch.enable_grad():
        s2 = F.linear(F.relu(F.linear(x, *leaves[:2])), *leaves[2:])
        return torch.autograd.grad(s2, leaves, grad_s2)


def layer_values(in_features, out_features):
    layer = nn.Linear(in_features, out_features)
    return layer.weight, layer.bias


values_of = yours_or_ours(initial_values, layer_values, 64, 32, random=True)


def start(in_features, out_features):
    """Weight and bias as plain tensors, which autograd does not record."""
    return [one.detach().clone() for one in values_of(in_features, out_features)]


example = torch.ones(5, 3), torch.ones(4, 3), torch.ones(4), torch.ones(2, 4), torch.ones(5, 2)
backward = yours_or_ours(two_layer_backward, autograd_backward, *example)
example = torch.ones(1438, 64), torch.ones(32, 64), torch.ones(32), torch.ones(10, 32), torch.ones(1438, 10)
with Watch(operations=False) as seen:
    backward(*example)
if len(seen.functions) > 300:  # a loop over the samples would run for minutes
    print("`two_layer_backward` takes too many steps for 600 rounds: the course's own version is used instead.")
    backward = autograd_backward

# %% yours varies
images, labels = load_digits()
pixels, targets = images.flatten(1) / 16, F.one_hot(labels, 10).float()
held_back = torch.arange(len(labels)) % 5 == 4  # every fifth image is for testing
x, t = pixels[~held_back], targets[~held_back]

torch.manual_seed(0)
w1, b1 = start(64, 32)
w2, b2 = start(32, 10)
losses = []
for _ in range(600):
    s2 = F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)
    error = s2 - t
    losses.append(0.5 * error.pow(2).sum(dim=1).mean().item())
    for parameter, gradient in zip((w1, b1, w2, b2), backward(x, w1, b1, w2, error / len(x))):
        parameter -= 0.5 * gradient

answers = F.linear(F.relu(F.linear(pixels[held_back], w1, b1)), w2, b2).argmax(dim=1)
right = answers == labels[held_back]
print(f"loss {losses[0]:.3f} → {losses[-1]:.3f}")
print(f"{int(right.sum())} of {len(right)} held-back digits are read correctly")

# %% yours varies folded label="Draw the loss, and some of the held-back digits"
figure, ax = plot_axes(6.0, 2.6)
ax.plot(losses, color=COLOURS["loss"], linewidth=2)
ax.set(xlabel="step", ylabel="loss", ylim=(0, None))
show(figure, alt="The loss against the step while the network of your functions is trained.")
shown = torch.cat([right.nonzero()[7:300:50, 0], (~right).nonzero()[:6, 0]])
titles = [
    f"read as {a}" if ok else f"read as {a}, is {label}"
    for a, ok, label in zip(answers[shown].tolist(), right[shown].tolist(), labels[held_back][shown].tolist())
]
draw_images(
    images[held_back][shown],
    titles,
    alt="Twelve held-back digits with what your network reads. Above six that it reads correctly, below up to six that it does not.",
)

# %% [markdown]
# The held-back images were never used in training. Look at the wrong ones: would you have read them?
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. What parameters does <code>nn.Linear(784, 200)</code> have? Give shapes, count, and the bounds of the initial values.</summary>
#
# The weight is 200×784 and the bias has 200 entries: together 200 · (784 + 1) = 157,000 numbers. They start between −1/√784 and 1/√784, that is ±1/28
# ≈ ±0.0357.
#
# </details>
#
# <details><summary>2. You get ∂L/∂s, N×D. Which products give the gradients of the weight and the input? Why is the bias gradient a sum?</summary>
#
# $\partial L/\partial w = (\partial L/\partial s)^T x$ is D×C, and $\partial L/\partial x = (\partial L/\partial s)\,w$ is N×C. The bias is added
# once in every sample, so every sample contributes to its gradient, and the contributions add up.
#
# </details>
#
# <details><summary>3. 32 images of 28×28 go into <code>nn.Linear(28, 10)</code> without an error. What comes out, and what was meant?</summary>
#
# 32×28×10: the layer maps the last dimension, so it maps each row of pixels separately. Probably one vector of 10 per image was meant:
# `nn.Linear(784, 10)` on `images.flatten(1)`.
#
# </details>
#
# **Next**: `05_mse_loss`. The network above needed a number that says how wrong its outputs are. `05_mse_loss` shows where this number comes from,
# which choices there are, and how PyTorch's modules and optimizers do what you did here by hand.
