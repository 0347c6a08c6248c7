# %% [markdown]
# # Linear layers
#
# After this notebook you will be able to
#
# - compute a linear layer for a whole batch, $s = x\,w^T + b$, and say the shape of every part before you run it;
# - make an `nn.Linear`, count its parameters, tell where their initial values lie, and write your own values into them;
# - apply a layer to an input with any number of dimensions;
# - write the backward pass of a linear layer, $\partial L/\partial x$, $\partial L/\partial w$, $\partial L/\partial b$, and get autograd's numbers;
# - say why two linear layers in a row are worth no more than one.
#
# **Time**: about 110 minutes, of which 70 are for the 8 exercises. **You need**: shapes, transposing and broadcasting (`01_tensors`), `backward()` and `.grad`
# (`02_gradients_and_optimizers`), the difference between a function of `F` and a module of `nn` (`03_functional_and_relu`).

# %% setup

# %% [markdown]
# ## From a weighted sum to a matrix product
#
# A shop sells bread, cheese and tea. For each order it wants two numbers: the price in €, and the minutes of packing.
#
# | | bread | cheese | tea | per order |
# |---|---|---|---|---|
# | price (€) | 3 | 5 | 4 | 2 |
# | packing (minutes) | 1 | 2 | 0.5 | 3 |
#
# Each output is a **weighted sum** of the inputs plus a constant. The weights of one output form one row of `shop_weight`,
# its constant is one entry of `shop_bias`. Here is the first order: two loaves, no cheese, one tea.

# %%
orders = torch.tensor([[2.0, 0, 1], [0, 3, 0], [1, 1, 1], [4, 2, 0]])  # 4 orders × 3 products
shop_weight = torch.tensor([[3.0, 5, 4], [1, 2, 0.5]])  # 2 outputs × 3 products
shop_bias = torch.tensor([2.0, 3])  # 2 outputs

first = orders[0]
price = (first * shop_weight[0]).sum() + shop_bias[0]
packing = (first * shop_weight[1]).sum() + shop_bias[1]
print(f"price   2·3 + 0·5 + 1·4   + 2 = {price:.1f} €")
print(f"packing 2·1 + 0·2 + 1·0.5 + 3 = {packing:.1f} minutes")

# %% [markdown]
# **Before you run it:** `orders` is 4×3 and `shop_weight` is 2×3. The next cell computes all four orders at once. What shape
# does `orders @ shop_weight.T` have? `shop_bias` has shape `(2,)`: to which numbers does broadcasting add its first entry?

# %% predict
product = orders @ shop_weight.T
print("orders @ shop_weight.T:", tuple(product.shape))
print(product + shop_bias)

# %% [markdown]
# One row per order, one column per output. The first entry of the bias goes to the whole first column: every order pays the same 2 €.

# %%
draw_row(
    Grid(orders, "x", "input", digits=0),
    "@",
    Grid(shop_weight.T, "wᵀ", "learned"),
    "+",
    Grid(shop_bias, "b", "learned"),
    "=",
    Grid(product + shop_bias, "s", "output"),
    alt="Four matrices in a row: x of 4×3 in blue, times the transposed weight of 3×2 in orange, plus the bias, a row of "
    "2 numbers in orange, gives s of 4×2 in green. The first row of s is 12.0 and 5.5.",
)

# %% [markdown]
# ### The rule
#
# A batch of $N$ samples with $C$ features each is a matrix $x$ with **one sample per row**. A linear layer
# $\mathbb{R}^C \to \mathbb{R}^D$ (also: *fully connected* layer) has a weight $w$ of shape $D \times C$ and a bias $b$ of shape $D$:
#
# $$s = x\,w^T + b, \qquad s_{nd} = \sum_{c=1}^{C} x_{nc}\,w_{dc} + b_d .$$
#
# Books often take one sample as a *column* and write $s = w\,x + b$. With samples as rows the same product is turned over:
# $(w\,x_n^T)^T = x_n\,w^T$. That is where the transpose comes from. (Strictly, a map with a constant is called *affine*; the field says linear.)
#
# The next picture has no numbers, only shapes. Row $n$ of $x$ meets column $d$ of $w^T$ in the cell $s_{nd}$.


# %%
def canvas(width, height, cell=0.44):
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
    ax.text(left - 0.2, top + rows / 2, edges[0], ha="right", va="center", fontsize=11, style="italic", color=INK)
    ax.text(
        left + columns / 2, top + rows + 0.15, edges[1], ha="center", va="top", fontsize=11, style="italic", color=INK
    )


def sign(ax, x, y, text):
    ax.text(x, y, text, ha="center", va="center", fontsize=16, color=INK)


N, C, D, n, d = 5, 3, 2, 1, 1
figure, ax = canvas(19, 12.1)
matrix(ax, 1, 6.2, (N, C), "x", "input", "NC", [(n, c) for c in range(C)])
matrix(ax, 6, 1.3, (C, D), "wᵀ", "learned", "CD", [(c, d) for c in range(C)])
matrix(ax, 6, 6.2, (N, D), "x wᵀ", "plain", "ND", [(n, d)])
sign(ax, 9.5, 6.2 + N / 2, "+")
for i in range(N):  # the bias, once for each sample
    ax.add_artist(plt.Rectangle((11, 6.2 + i), D, 1, fill=False, linestyle=":", edgecolor=COLOURS["learned"]))
draw_grid(ax, Grid(torch.zeros(D), "b", "learned", hide=True), 11, 6.2)
ax.add_artist(plt.Rectangle((11 + d, 6.2), 1, 1, facecolor=(COLOURS["learned"], 0.55), edgecolor=INK))
ax.text(11 + D / 2, 6.35 + N, "D", ha="center", va="top", fontsize=11, style="italic", color=INK)
for i, word in enumerate(["again", "for each", "sample"]):
    ax.text(11 + D / 2, 8.7 + i, word, ha="center", va="center", fontsize=8, color=INK)
sign(ax, 14.4, 6.2 + N / 2, "=")
matrix(ax, 16.4, 6.2, (N, D), "s", "output", "ND", [(n, d)])
show(
    figure,
    alt="Shapes of a linear layer. x, N×C, stands to the left and wᵀ, C×D, above their product x wᵀ, N×D: the marked row "
    "of x and the marked column of wᵀ meet in the marked cell. To its right the bias, one row of D cells, is repeated "
    "with dotted lines for each of the N rows, and the sum s is N×D. The edges that meet in the product are both C.",
)

# %% [markdown]
# ### Exercise: The forward pass
#
# Write `linear(x, weight, bias)`: the rule above, for a whole batch at once. Use matrix operations, not a loop and not `F.linear`
# (nor `nn.Linear`, which calls it). The arguments must not be changed, and the result has their dtype.
#
# <details><summary>Hint 1: which shapes have to meet?</summary>
#
# `x` is N×C and `weight` is D×C. A matrix product joins the *last* dimension of the left factor with the *first* of the right one.
# So the weight must be turned.
#
# </details>
#
# <details><summary>Hint 2: the syntax</summary>
#
# `@` is the matrix product of two matrices, `a.T` a transposed view of `a` (nothing is copied, `a` itself stays as it is).
# `+` broadcasts a tensor of shape `(D,)` over the rows of an N×D matrix.
#
# </details>


# %% exercise="linear_forward" difficulty=1 minutes=4
def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """The outputs of a linear layer for a batch of row vectors.

    x: (N, C). weight: (D, C). bias: (D,). Returns: (N, D).
    """
    ### BEGIN SOLUTION
    return x @ weight.T + bias
    ### END SOLUTION


# %% check="linear_forward" points=1
g = torch.Generator().manual_seed(11)
# A square weight first: a forgotten transpose raises no error there, it only gives wrong numbers.
x, weight, bias = (torch.randn(size, generator=g) for size in [(5, 3), (3, 3), (3,)])
before = [x.clone(), weight.clone(), bias.clone()]
product, not_turned = x @ weight.T, x @ weight
wanted, not_turned_plus = product + bias, not_turned + bias
with forbidden("linear"):
    answer = linear(inplace(x), inplace(weight), inplace(bias))
expect(
    answer,
    wanted,
    "linear(x, weight, bias) for shapes (5, 3), (3, 3), (3,)",
    mistakes={
        "The weight is not transposed: output d takes row d of the weight, not column d.": not_turned_plus,
        "The bias is missing.": product,
        "The weight is not transposed, and the bias is missing.": not_turned,
    },
)
expect([x, weight, bias], before, "x, weight and bias are left as they were")
x, weight, bias = (torch.randn(size, generator=g) for size in [(6, 5), (2, 5), (2,)])
product = x @ weight.T
expect(
    linear(x, weight, bias),
    product + bias,
    "linear(x, weight, bias) for shapes (6, 5), (2, 5), (2,)",
    mistakes={"The result is turned: one row per sample, one column per output.": (product + bias).T},
)
### BEGIN HIDDEN TESTS
for n, c, d in [(1, 4, 7), (9, 1, 3), (8, 6, 1)]:
    x, weight, bias = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(n, c), (d, c), (d,)])
    expect(linear(x, weight, bias), x @ weight.T + bias, f"linear for {n} samples, {c} inputs, {d} outputs, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ### What torch calls it
#
# `F.linear(x, weight, bias)` is this function. `torch.addmm(b, x, a)` computes `b + x @ a` in **one** operation: **add** to a
# **m**atrix **m**ultiplication. It knows nothing of layers, so you turn the weight yourself: `a = w.T`.

# %%
s = orders @ shop_weight.T + shop_bias
print("F.linear(x, w, b)      gives the same:", torch.allclose(F.linear(orders, shop_weight, shop_bias), s))
print("torch.addmm(b, x, w.T) gives the same:", torch.allclose(torch.addmm(shop_bias, orders, shop_weight.T), s))
print("F.linear(x, w)         adds no bias:  ", torch.allclose(F.linear(orders, shop_weight), orders @ shop_weight.T))

# %% [markdown]
# *What changed:* in older versions `F.linear` was a few lines of Python that chose between `addmm` and `matmul`. Now it is one built-in
# function. For a matrix `x` and a bias it still ends in `addmm`, as the name of its backward function tells:

# %%
print(type(F.linear(orders, shop_weight.clone().requires_grad_(), shop_bias).grad_fn).__name__)

# %% [markdown]
# ## The layer that holds its parameters
#
# `F.linear` wants the weight and the bias from you. The module `nn.Linear(in_features, out_features, bias=True)` **makes them when it is
# created** and holds them as `nn.Parameter`s. You give it the sizes, and later only `x`.
#
# **Before you run it:** `nn.Linear(10, 4)` maps 10 features to 4. Is its weight 10×4 or 4×10? Into what shape does it turn a batch of 523×10?

# %% predict
torch.manual_seed(0)
layer = nn.Linear(in_features=10, out_features=4)
for name, parameter in layer.named_parameters():
    print(f"{name:7}{tuple(parameter.shape)!s:8} requires_grad={parameter.requires_grad}")

batch = torch.randn(523, 10)
print(tuple(batch.shape), "→", tuple(layer(batch).shape))

# %% [markdown]
# The arguments come in the order in which data flows (10 → 4); the weight has them the other way round (4×10), one row per output.
# The layer never asks for the number of samples, so it may differ from call to call:

# %%
for n in (1, 523, 0):
    print((n, 10), "→", tuple(layer(torch.randn(n, 10)).shape))

without = nn.Linear(10, 4, bias=False)
print(
    "bias=False: the bias is", without.bias, "and the parameters are", [name for name, _ in without.named_parameters()]
)
print(
    "layer(x) equals F.linear(x, layer.weight, layer.bias):",
    torch.equal(layer(batch), F.linear(batch, layer.weight, layer.bias)),
)

# %% [markdown]
# ### When it refuses
#
# Everybody meets two errors sooner or later. **Before you run it:** what is wrong in each of the two calls? Which numbers will the first message show?

# %% predict varies
for wrong in (torch.zeros(523, 4), torch.zeros(523, 10, dtype=torch.float64)):
    try:
        layer(wrong)
    except RuntimeError as error:
        print(error)

# %% [markdown]
# <details><summary>How to read the two messages</summary>
#
# *Shapes*: `mat1` is your `x`, `mat2` is the **transposed** weight, C×D. The two inner numbers, 4 and 10, should be equal. Here the last
# dimension of `x` is 4, and the layer was made for 10.
#
# *dtypes*: `Double` is float64, what NumPy arrays bring along; the layer's parameters are float32. Convert the input with `x.float()`.
# (`nn.Linear(10, 4, dtype=torch.float64)` makes a layer for float64.)
#
# </details>
#
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
# Linear layers are stacked so that the outputs of one are the inputs of the next. The list `[256, 200, 10]` names the widths: one layer from
# 256 to 200, then one from 200 to 10. Write `parameter_count(widths, bias=True)`: the number of parameters of all layers of such a stack.
# With `bias=False` no layer has a bias. Compute it from the widths as a Python `int`. Do not build the layers: the check asks
# for a stack that fits into no memory.
#
# <details><summary>Hint 1: how many layers are there?</summary>
#
# One less than there are widths. A layer belongs to a *pair* of neighbours in the list.
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

    widths: features before the first layer, between the layers, after the last one. Returns: a Python int.
    """
    ### BEGIN SOLUTION
    return sum(widths[i + 1] * (widths[i] + bias) for i in range(len(widths) - 1))
    ### END SOLUTION


# %% check="parameter_count" points=1
expect(
    parameter_count([10, 4]),
    44,
    "parameter_count([10, 4])",
    mistakes={
        "The bias is missing: it has one value per output.": 40,
        "A bias has one value per output, not per input.": 50,
        "A bias has one value per output, not one per layer.": 41,
        "These are the features, not the parameters.": 14,
    },
)
expect(
    parameter_count([256, 200, 10]),
    51_400 + 2_010,
    "parameter_count([256, 200, 10])",
    mistakes={
        "Only the first layer is counted.": 51_400,
        "Only the last layer is counted.": 2_010,
        "The first width is no layer: 3 widths make 2 layers.": 53_410 + 256,
    },
)
expect(
    parameter_count([256, 200, 10], bias=False),
    51_200 + 2_000,
    "parameter_count([256, 200, 10], bias=False)",
    mistakes={"bias=False makes no difference in yours.": 53_410},
)
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(12)
for depth in (2, 3, 6):
    widths = torch.randint(1, 900, (depth,), generator=g).tolist()
    for bias in (True, False):
        wanted = sum(widths[i + 1] * (widths[i] + int(bias)) for i in range(depth - 1))
        expect(parameter_count(widths, bias), wanted, f"parameter_count({widths}, {bias})")
expect(
    parameter_count([10**9, 10**9]), 10**18 + 10**9, "parameter_count([10**9, 10**9]), a layer that fits into no memory"
)
### END HIDDEN TESTS

# %% [markdown]
# ## Where the parameters start
#
# Nobody gave `nn.Linear(10, 4)` any values, and yet it computes. Weight and bias are drawn at creation, at random, from the same
# interval. It depends on one number only: $\mathrm{fan\_in}$, the number of inputs that each output adds up. For a linear layer that is
# `in_features`:
#
# $$w_{dc},\ b_d \ \sim\ U\!\left(-\frac{1}{\sqrt{\mathrm{fan\_in}}},\ \frac{1}{\sqrt{\mathrm{fan\_in}}}\right).$$

# %%
torch.manual_seed(0)
layer = nn.Linear(10, 4)
print(layer.weight.data)
print(layer.bias.data)
largest = max(layer.weight.abs().max().item(), layer.bias.abs().max().item())
print(f"largest absolute value {largest:.4f} ≤ 1/√10 = {1 / math.sqrt(10):.4f}")

# %% [markdown]
# **Before you run it:** one layer has 16 inputs, the other 256. The outputs are chosen so that both have 32,000 weights.
# Which weights are spread wider, and by what factor?

# %% predict
torch.manual_seed(0)
figure, axes = plot_axes(8.0, 3.0, columns=2)
for ax, (c, d) in zip(axes, [(16, 2000), (256, 125)]):
    values = nn.Linear(c, d).weight.detach().flatten()
    bound = 1 / math.sqrt(c)
    print(
        f"Linear({c}, {d}): {values.numel():,} weights from {values.min():.4f} to {values.max():.4f}, 1/√{c} = {bound:.4f}"
    )
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
# Every value between the bounds is equally likely (a *uniform* distribution), and 16 times as many inputs give a range $\sqrt{16} = 4$ times
# as narrow.
#
# Why divide by $\sqrt{\mathrm{fan\_in}}$? A sum of many terms spreads wider than a sum of few. The narrower weights make up for it. A value drawn
# from $U(-a, a)$ has variance $a^2/3$. So if the inputs have mean 0 and variance 1, an output has the variance
# $\mathrm{fan\_in} \cdot \frac{1}{3\,\mathrm{fan\_in}} + \frac{1}{3\,\mathrm{fan\_in}} = \frac{1}{3}\left(1 + \frac{1}{\mathrm{fan\_in}}\right)$,
# close to $\frac13$ however wide the layer is:

# %%
torch.manual_seed(0)
for c in (4, 64, 1024):
    with torch.no_grad():
        s = nn.Linear(c, 300)(torch.randn(500, c))
    print(
        f"fan_in {c:4}: standard deviation of the outputs {s.std():.2f}, by the formula {math.sqrt((1 + 1 / c) / 3):.2f}"
    )

# %% [markdown]
# `12_parameters_and_initialization` compares this rule with others. Here you need to know two things: a new layer is random (seed it if you
# want it again), and its values shrink as $\mathrm{fan\_in}$ grows. (In the source of `nn.Linear` you find `kaiming_uniform_(weight, a=math.sqrt(5))`.
# That is a general rule; with this `a` its bound comes to $1/\sqrt{\mathrm{fan\_in}}$.)
#
# ### Exercise: Draw the initial values
#
# Write `initial_values(in_features, out_features)`: it returns the tuple `(weight, bias)` of two new float32 tensors with the shapes and the
# distribution that `nn.Linear(in_features, out_features)` starts with. Don't make an `nn.Linear`, and don't call
# `nn.init.kaiming_uniform_`, which an `nn.Linear` calls when it is made. Don't set a seed: each call draws new values.
#
# <details><summary>Hint 1: which of the two sizes?</summary>
#
# `fan_in` is the number of terms in the sum of *one* output. The bias uses the same bound as the weight.
#
# </details>
#
# <details><summary>Hint 2: from 0…1 to −a…a</summary>
#
# `torch.rand(size)` draws uniformly from 0 to 1. Which factor makes the interval as long as −a…a, and what moves its middle to 0?
#
# </details>
#
# <details><summary>Hint 3: a method that does it at once</summary>
#
# `tensor.uniform_(low, high)` overwrites a tensor with uniform values; `torch.empty(size)` makes one to be overwritten.
#
# </details>


# %% exercise="initial_values" difficulty=2 minutes=8
def initial_values(in_features: int, out_features: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Random values as a new nn.Linear has them.

    Returns: the tuple (weight, bias) with the shapes (out_features, in_features) and (out_features,), float32.
    """
    ### BEGIN SOLUTION
    bound = 1 / math.sqrt(in_features)
    weight = torch.empty(out_features, in_features).uniform_(-bound, bound)
    bias = torch.empty(out_features).uniform_(-bound, bound)
    return weight, bias
    ### END SOLUTION


# %% check="initial_values" points=2
with forbidden("kaiming_uniform_"):
    answer = initial_values(300, 90)
no_return = {"Nothing comes back: is a `return` missing?": "NoneType"}
expect(type(answer).__name__, "tuple", "initial_values(300, 90) returns a tuple", mistakes=no_return)
expect(
    [str(tuple(tensor.shape)) for tensor in answer],
    ["(90, 300)", "(90,)"],
    "the shapes of weight and bias in initial_values(300, 90)",
    mistakes={
        "The weight has one row per output: (out_features, in_features).": ["(300, 90)", "(90,)"],
        "The bias has one value per output.": ["(90, 300)", "(300,)"],
        "The order is (weight, bias).": ["(90,)", "(90, 300)"],
    },
)
expect([tensor.dtype for tensor in answer], [torch.float32, torch.float32], "both are float32")
bound = 1 / math.sqrt(300)
weight = answer[0].detach()
expect(
    weight.std().item(),
    bound / math.sqrt(3),
    "the standard deviation of the 27,000 weights, within 3 %",
    mistakes={
        "The values spread √3 times too far: normal values (randn / √fan_in) do that, and so does a uniform distribution"
        " with the bound √3/√fan_in.": bound,
        "The interval is half as long as it should be: from −bound to bound is 2·bound.": bound / math.sqrt(12),
        "You divided by the number of outputs: fan_in is in_features.": 1 / math.sqrt(90) / math.sqrt(3),
        "The square root is missing: 1/√fan_in.": 1 / 300 / math.sqrt(3),
        "The values are not scaled by 1/√fan_in.": 1 / math.sqrt(3),
    },
    rtol=0.03,
)
expect(
    weight.min().item(),
    -bound,
    "the smallest weight is close to −1/√300",
    mistakes={
        "No value is negative: torch.rand draws from 0 to 1.": 0.0,
        "Weights lie beyond the bound: is the distribution uniform?": min(weight.min().item(), -1.1 * bound),
    },
    rtol=0.02,
    atol=1e-3,
)
expect(weight.max().item(), bound, "the largest weight is close to 1/√300", rtol=0.02, atol=1e-3)
bias = initial_values(4, 30_000)[1].detach()
expect(
    [bias.min().item(), bias.max().item()],
    [-0.5, 0.5],
    "the smallest and largest bias of initial_values(4, 30_000) are close to ∓1/√4",
    mistakes={
        "The bias is all zeros: it is drawn as the weight is.": [0.0, 0.0],
        "No bias is negative: torch.rand draws from 0 to 1.": [0.0, 0.5],
        "The bias has the same bound as the weight: 1/√in_features.": [-1 / math.sqrt(30_000), 1 / math.sqrt(30_000)],
        "The bias is not scaled by 1/√in_features.": [-1.0, 1.0],
    },
    rtol=0.01,
    atol=1e-3,
)
expect(bias.std().item(), 0.5 / math.sqrt(3), "the standard deviation of the 30,000 biases, within 3 %", rtol=0.03)
neighbours = weight.flatten().diff().abs().mean()
expect(
    neighbours.item(),
    2 / 3 * bound,
    "the mean distance of neighbours among the weights, within 3 %: each value is drawn by itself",
    mistakes={"The values are not random: they lie in order.": min(neighbours.item(), bound / 10)},
    rtol=0.03,
)
### BEGIN HIDDEN TESTS
first, second = initial_values(6, 5), initial_values(6, 5)
for i in range(2):
    different = not torch.equal(first[i], second[i])
    expect(different, True, "a second call draws other values: no seed is set inside the function")
for c, d in [(20_000, 3), (2, 20_000)]:
    weight = initial_values(c, d)[0].detach()
    expect(tuple(weight.shape), (d, c), f"the shape of the weight of initial_values({c}, {d})")
    expect(weight.min().item(), -1 / math.sqrt(c), f"the smallest weight of initial_values({c}, {d})", rtol=0.02)
    expect(weight.mean().item(), 0.0, "the mean of the weights, close to 0", atol=0.05 / math.sqrt(c))
### END HIDDEN TESTS

# %% [markdown]
# ## Writing parameters yourself
#
# You know the shop's numbers, so let a layer have them. A parameter cannot be written like any other tensor: it is a leaf that requires a gradient.
#
# **Before you run it:** three attempts to set the weight. Which of them works?

# %% predict
values = torch.tensor([[3.0, 5, 4], [1, 2, 0.5]])
shop = nn.Linear(3, 2)
try:
    shop.weight[0] = values[0]
except RuntimeError as error:
    print("1. RuntimeError:", error)
try:
    shop.weight = values
except TypeError as error:
    print("2. TypeError:", error)
with torch.no_grad():
    shop.weight.copy_(values)
    shop.bias.copy_(torch.tensor([2.0, 3]))
print("3.", shop.weight)

# %% [markdown]
# Only the third. Under `torch.no_grad()` autograd does not watch, so the parameter may be overwritten in place. It stays the same
# `nn.Parameter`, and it stays trainable. (`shop.weight = nn.Parameter(values)` works too: it puts a *new* parameter into the layer, which an
# optimizer made before does not know. The `Variable` in the first message is the old name of a tensor that autograd watches.)
#
# Now the layer computes prices and minutes, and you can read its weight as a table: **row = output, column = input**.

# %%
x = torch.tensor([[2.0, 0, 1], [0, 3, 0]])
print(shop(x))

names = {"inputs": ["bread", "cheese", "tea"], "outputs": ["price", "packing"]}
figure, ax = canvas(7.6, 4.0, cell=0.6)
draw_grid(ax, Grid(shop.weight, "weight", "learned"), 2.0, 1.4)
bias = Grid(shop.bias[:, None], "bias", "learned")
bias.shape = (2,)  # drawn as a column, so that each constant stands beside its row
draw_grid(ax, bias, 6.1, 1.4)
for j, name in enumerate(names["inputs"]):
    ax.text(2.5 + j, 3.55, name, ha="center", va="top", fontsize=9.5, color=COLOURS["input"])
for i, name in enumerate(names["outputs"]):
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
# Write `given_map()`: it returns an `nn.Linear` that turns each row $(x_0, x_1, x_2, x_3)$ into $(y_0, y_1, y_2)$ with
#
# $$y_0 = x_0 - x_1, \qquad y_1 = \text{the mean of } x_0, x_1, x_2, x_3, \qquad y_2 = 3\,x_2 + 5 .$$
#
# The layer must stay trainable: weight and bias are `nn.Parameter`s with `requires_grad=True`.
#
# <details><summary>Hint 1: what does one row look like?</summary>
#
# Write each output as a weighted sum of *all four* inputs: $y_0 = 1\,x_0 + (-1)\,x_1 + 0\,x_2 + 0\,x_3 + 0$. The four factors are a row of the
# weight, the last number is an entry of the bias.
#
# </details>
#
# <details><summary>Hint 2: and the bias?</summary>
#
# Two outputs add no constant. A new layer's bias is random, not zero, so it must be written too.
#
# </details>
#
# <details><summary>Hint 3: writing</summary>
#
# Make the layer, then use `copy_` on its weight and its bias, as in the third attempt above.
#
# </details>


# %% exercise="given_map" difficulty=2 minutes=8
def given_map() -> nn.Linear:
    """A linear layer whose parameters are set so that it computes the map above.

    Returns: a module that maps (N, 4) to (N, 3).
    """
    ### BEGIN SOLUTION
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]]))
        layer.bias.copy_(torch.tensor([0, 0, 5]))
    return layer
    ### END SOLUTION


# %% check="given_map" points=2
layer = given_map()
expect(
    [getattr(layer, "in_features", None), getattr(layer, "out_features", None)],
    [4, 3],
    "given_map() returns an nn.Linear: its in_features and out_features",
    mistakes={
        "in_features and out_features are exchanged: nn.Linear(in_features, out_features).": [3, 4],
        "What you return is no nn.Linear. (Is a `return` missing?)": [None, None],
    },
)
wanted = torch.tensor([[1, -1, 0, 0], [0.25, 0.25, 0.25, 0.25], [0, 0, 3, 0]])
expect(
    layer.weight.detach(),
    wanted,
    "the weight: row d has the factors of output d",
    mistakes={
        "y₁ is the sum, the mean was asked for.": wanted * torch.tensor([[1.0], [4.0], [1.0]]),
        "y₀ has the wrong sign: x₀ − x₁.": wanted * torch.tensor([[-1.0], [1.0], [1.0]]),
        "The rows are in another order: row 0 belongs to y₀.": wanted.flip(0),
    },
)
expect(layer.bias is None, False, "the layer has a bias: y₂ adds a constant")
expect(
    layer.bias.detach(),
    torch.tensor([0.0, 0.0, 5.0]),
    "the bias: only y₂ adds a constant, the random start is overwritten",
    mistakes={"5 belongs to y₂ alone.": torch.full((3,), 5.0), "The constant 5 is missing.": torch.zeros(3)},
)
g = torch.Generator().manual_seed(13)
x = torch.randn(7, 4, generator=g)
y = torch.stack([x[:, 0] - x[:, 1], x.mean(1), 3 * x[:, 2] + 5], dim=1)
expect(layer(x).detach(), y, "layer(x) for x of shape (7, 4)")
expect(
    [layer.weight.requires_grad, layer.bias.requires_grad],
    [True, True],
    "the layer is still trainable: requires_grad of weight and bias",
)
### BEGIN HIDDEN TESTS
expect(sorted(name for name, _ in layer.named_parameters()), ["bias", "weight"], "weight and bias are still parameters")
one, two = given_map(), given_map()
with torch.no_grad():
    one.weight.zero_()
expect(two.weight.detach(), wanted, "each call of given_map() returns a layer of its own")
### END HIDDEN TESTS

# %% [markdown]
# ## Dimensions in front
#
# So far `x` was N×C. `nn.Linear` looks at the **last** dimension only. Whatever stands before it is kept.
#
# **Before you run it:** what does `nn.Linear(10, 4)` make of a single vector of 10 numbers, and of a tensor of 2×3×5×10?

# %% predict
layer = nn.Linear(10, 4)
for size in [(10,), (523, 10), (2, 3, 5, 10)]:
    print(size, "→", tuple(layer(torch.zeros(size)).shape))

# %% [markdown]
# The rule is $(*, C) \to (*, D)$, where $*$ stands for any number of dimensions, also none. Every vector along the last dimension goes
# through the same layer, as if all of them were the rows of one long matrix.

# %%
figure, ax = canvas(23.4, 10.3, cell=0.42)
for k in (0, 1):
    shade = {"marked": [(i, j) for i in range(3) for j in range(4)]} if k else {}
    matrix(ax, 0.9, 1.5 + 5 * k, (3, 4), f"x[{k}]", "input", ("3", "4"), **shade)
    shade = {"marked": [(i, j) for i in range(3) for j in range(2)]} if k else {}
    matrix(ax, 20.9, 1.5 + 5 * k, (3, 2), f"y[{k}]", "output", ("3", "2"), **shade)
matrix(ax, 8.2, 2.5, (6, 4), "rows of x", "input", ("6", "4"), [(i, j) for i in range(3, 6) for j in range(4)])
matrix(ax, 15.6, 2.5, (6, 2), "rows of y", "output", ("6", "2"), [(i, j) for i in range(3, 6) for j in range(2)])
for place, text in [(6.2, "reshape"), (13.6, "x wᵀ + b"), (19.0, "reshape")]:
    ax.annotate("", (place + 1, 5.5), (place - 1, 5.5), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.6})
    ax.text(place, 5.2, text, ha="center", va="bottom", fontsize=9, color=INK)
show(
    figure,
    alt="From left to right: a tensor x of 2×3×4, drawn as two blue matrices of 3×4, is reshaped into one matrix of 6×4, the "
    "rows of the second below those of the first. The layer makes it a green matrix of 6×2, which is reshaped into two "
    "matrices of 3×2, the tensor y of 2×3×2.",
)

# %%
torch.manual_seed(0)
layer = nn.Linear(4, 2)
x = torch.randn(2, 3, 4)
rows = layer(x.reshape(6, 4))
print("the same as through one long matrix:", torch.allclose(layer(x), rows.reshape(2, 3, 2)))

# %% [markdown]
# That is handy and a trap. **Before you run it:** `images` holds 5 images of 28×28 pixels. Which of the two layers accepts it as it is? Is that the
# layer you want, if 10 numbers per *image* are wanted?

# %% predict
images = torch.zeros(5, 28, 28)
print("Linear(28, 10):", tuple(nn.Linear(28, 10)(images).shape))
try:
    nn.Linear(784, 10)(images)
except RuntimeError:
    print("Linear(784, 10): refused")
print("Linear(784, 10) after flatten(1):", tuple(nn.Linear(784, 10)(images.flatten(1)).shape))

# %% [markdown]
# `nn.Linear(28, 10)` raises nothing and gives 10 numbers per *pixel row*: no pixel meets a pixel of another row. For 10 numbers per image,
# flatten each image first, so that all its pixels lie along the last dimension.
#
# ### Exercise: A layer along any dimension
#
# Colour images come as N×C×H×W: the features of a pixel, its channels, lie along dimension 1, not along the last one. Write
# `linear_along(x, weight, bias=None, dim=-1)`. It applies the same linear layer to every vector along dimension `dim` of `x`, which has size C.
# The result has the shape of `x`, but size D in dimension `dim`; all other dimensions keep their place. `bias` may be `None`. `dim` may be negative.
# The arguments must not be changed. You may use `F.linear`.
#
# <details><summary>Hint 1: the plan</summary>
#
# You have a function that works along the last dimension. So: bring the wanted dimension to the end, apply it, bring the dimension back.
#
# </details>
#
# <details><summary>Hint 2: which method moves a dimension?</summary>
#
# `x.movedim(source, destination)` moves one dimension and leaves the order of the others as it is. `x.reshape` would keep the order of the
# *numbers* and cut them differently, so vectors would get mixed.
#
# </details>
#
# <details><summary>Hint 3: no bias</summary>
#
# `F.linear` accepts `None` for its bias.
#
# </details>


# %% exercise="linear_along" difficulty=2 minutes=8
def linear_along(
    x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, dim: int = -1
) -> torch.Tensor:
    """A linear layer applied along one dimension of a tensor.

    x: any shape with size C in dimension dim. weight: (D, C). bias: (D,) or None.
    Returns: the shape of x, with size D in dimension dim.
    """
    ### BEGIN SOLUTION
    return F.linear(x.movedim(dim, -1), weight, bias).movedim(-1, dim)
    ### END SOLUTION


# %% check="linear_along" points=2
g = torch.Generator().manual_seed(14)
x, weight, bias = (torch.randn(size, generator=g) for size in [(2, 7, 3, 5), (4, 5), (4,)])
x_before = x.clone()
wanted = torch.einsum("nhwc,dc->nhwd", x, weight)
expect(
    linear_along(inplace(x), weight),
    wanted,
    "linear_along(x, weight) for x of shape (2, 7, 3, 5), weight (4, 5)",
    rtol=1e-4,
    atol=1e-5,
)
expect(x, x_before, "the x you were given is left as it was")
expect(
    linear_along(inplace(x), weight, bias),
    wanted + bias,
    "linear_along(x, weight, bias) for the same x",
    mistakes={"The bias is missing.": wanted},
    rtol=1e-4,
    atol=1e-5,
)
expect(x, x_before, "x is left as it was with a bias, too")
# Now along dimension 1. Here the last dimension has the size C too, so a layer along the wrong one raises no error.
x, weight, bias = (torch.randn(size, generator=g) for size in [(2, 4, 6, 4), (4, 4), (4,)])
moved = torch.einsum("nchw,dc->nhwd", x, weight) + bias
expect(
    linear_along(x, weight, bias, dim=1),
    moved.permute(0, 3, 1, 2),
    "linear_along(x, weight, bias, dim=1) for x of shape (2, 4, 6, 4), weight (4, 4)",
    mistakes={
        "The dimension is still at the end: bring it back to its place.": moved,
        "These are the vectors along the last dimension: dim is not looked at, or reshape cut x anew.": (
            F.linear(x, weight, bias)
        ),
        "The shape is right, the vectors are not: reshape cuts anew, movedim moves.": moved.reshape(2, 4, 6, 4),
        "Other dimensions have changed their places: only dim was to move and come back.": moved.permute(0, 3, 2, 1),
    },
    rtol=1e-4,
    atol=1e-5,
)
x, weight = (torch.randn(size, generator=g) for size in [(2, 3, 6, 5), (7, 3)])
wanted = torch.einsum("nchw,dc->ndhw", x, weight)
what = "linear_along(x, weight, dim=1) for x of shape (2, 3, 6, 5), weight (7, 3)"
expect(linear_along(x, weight, dim=1), wanted, what, rtol=1e-4, atol=1e-5)
### BEGIN HIDDEN TESTS
for size, dim in [((3,), 0), ((6, 3), -1), ((3, 6), 0), ((4, 3, 5), -2), ((2, 6, 3, 4, 5), 2), ((2, 3, 5, 4), -3)]:
    x, weight, bias = (torch.randn(one, generator=g, dtype=torch.float64) for one in [size, (2, 3), (2,)])
    wanted = (x.movedim(dim, -1) @ weight.T + bias).movedim(-1, dim)
    expect(linear_along(x, weight, bias, dim), wanted, f"linear_along for x of shape {size}, dim={dim}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## The backward pass
#
# In training, a loss $L$ is computed from the outputs $s$. From behind, the layer receives $\partial L/\partial s$: for each sample and each output
# one number, so it has the shape of $s$, N×D. It has to hand out three gradients. Each has **the shape of what it belongs to**.
#
# Begin with the simplest loss: $L$ is the sum of all outputs, so every entry of $\partial L/\partial s$ is 1.
#
# **Before you run it:** what is `layer.bias.grad` for a batch of 523 samples? Are the four rows of `layer.weight.grad` different?

# %% predict
torch.manual_seed(0)
layer = nn.Linear(10, 4)
batch = torch.randn(523, 10)
layer(batch).sum().backward()
grad = layer.weight.grad
print("bias.grad       ", layer.bias.grad)
print(
    "weight.grad     ", tuple(grad.shape), "all rows equal, up to rounding:", torch.allclose(grad, grad[0], atol=1e-3)
)
print("weight.grad[0]  ", " ".join(f"{value:8.2f}" for value in grad[0, :6]), " …")
print("batch.sum(dim=0)", " ".join(f"{value:8.2f}" for value in batch.sum(dim=0)[:6]), " …")

# %% [markdown]
# Each bias is added once per sample, so each of the 523 samples pushes it: the gradient **adds up over the batch**. The same holds for the weight:
# $w_{dc}$ is multiplied by $x_{nc}$ in every sample $n$, and all these contributions add up. With 1 everywhere in $\partial L/\partial s$, that makes the
# column sums of the batch, for each of the four outputs alike.
#
# ### One number by hand
#
# Back to the shop, now with a layer that does not know the prices. It guesses, the receipts say what was right, and the loss is half the sum of the squared
# errors, $L = \frac12 \sum_{nd} (s_{nd} - t_{nd})^2$. Its gradient is simply the error: $\partial L/\partial s = s - t$. Take the weight from cheese (input 1) to price
# (output 0). By the chain rule
#
# $$\frac{\partial L}{\partial w_{01}} = \sum_{n} \frac{\partial L}{\partial s_{n0}} \cdot \frac{\partial s_{n0}}{\partial w_{01}} = \sum_{n} \frac{\partial L}{\partial s_{n0}} \cdot x_{n1} .$$

# %%
torch.manual_seed(0)
orders = torch.tensor([[2.0, 0, 1], [0, 3, 0], [1, 1, 1], [4, 2, 0]], dtype=torch.float64)
receipts = torch.tensor([[12.0, 5.5], [17, 9], [14, 6.5], [24, 11]], dtype=torch.float64)
guess = nn.Linear(3, 2, dtype=torch.float64)

s = guess(orders)
loss = 0.5 * ((s - receipts) ** 2).sum()
loss.backward()

errors = (s - receipts).detach()
print("errors in the price:", errors[:, 0])
print("pieces of cheese:   ", orders[:, 1])
print(f"by hand     {(errors[:, 0] * orders[:, 1]).sum().item():.4f}")
print(f"by autograd {guess.weight.grad[0, 1].item():.4f}")

step = 1e-4  # and by trying: the slope of the loss around the present weight
losses = []
for sign_of_step in (1, -1):
    moved = guess.weight.detach().clone()
    moved[0, 1] += sign_of_step * step
    losses.append(0.5 * ((F.linear(orders, moved, guess.bias) - receipts) ** 2).sum().item())
print(f"by trying   {(losses[0] - losses[1]) / (2 * step):.4f}")

# %% [markdown]
# The first order has no cheese, so its error has no say in this weight. The gradient is negative: more weight on cheese would lower the loss. The guessed prices were too low.
#
# ### All at once
#
# The sum over samples $n$ runs over a dimension that both factors share. That is a matrix product again. The other two gradients follow in the same way:
#
# $$\frac{\partial L}{\partial w} = \left(\frac{\partial L}{\partial s}\right)^{T} x, \qquad \frac{\partial L}{\partial x} = \frac{\partial L}{\partial s}\, w, \qquad \frac{\partial L}{\partial b_d} = \sum_{n} \frac{\partial L}{\partial s_{nd}} .$$
#
# You need not learn them by heart. As long as $N$, $C$ and $D$ differ, the shapes leave one way to put the factors together (with $C = D$, `w` and `wᵀ` would both fit):


# %%
N, C, D, n, c, d = 5, 3, 2, 2, 1, 0
figure, ax = canvas(19.6, 14.4, cell=0.42)
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
show(
    figure,
    alt="Two matrix products, shapes only. Above: the transposed gradient of the outputs, D×N in red, times x, N×C in blue, is "
    "the gradient of the weight, D×C. Below: the gradient of the outputs, N×D in red, times the weight, D×C in orange, not "
    "transposed, is the gradient of the inputs, N×C. A marked row of the first factor and a marked column of the second meet in "
    "one marked cell of the result.",
)

# %% [markdown]
# Compare with the forward pass: there the weight is transposed ($x\,w^T$), on the way back it is not ($\frac{\partial L}{\partial s}\,w$).
#
# ### Exercise: The backward pass by hand
#
# Write `linear_backward(grad_s, x, weight)`: it receives $\partial L/\partial s$ and what the layer had in the forward pass, and returns the tuple
# `(grad_x, grad_weight, grad_bias)`, in the order of `F.linear`'s arguments. Compute with matrix operations, without a loop and without autograd
# (no `backward()`, no `torch.autograd.grad`). The gradients of the parameters are sums over the batch, not means. The arguments must not be changed.
#
# <details><summary>Hint 1: start with the shapes</summary>
#
# Write the shape of each gradient first: `grad_x` is N×C as `x`, `grad_weight` is D×C as the weight, `grad_bias` is `(D,)`.
# Then arrange the factors as in the picture.
#
# </details>
#
# <details><summary>Hint 2: the bias</summary>
#
# Column sums: one number per column of `grad_s`, so the dimension of the samples, dimension 0, is the one that disappears.
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


# %% check="linear_backward" points=3
g = torch.Generator().manual_seed(15)
# A square weight first, then one that is not: autograd has the last word on both.
for n, c, d in [(6, 4, 4), (7, 5, 3)]:
    grad_s, x, weight = (torch.randn(size, generator=g) for size in [(n, d), (n, c), (d, c)])
    copies = [tensor.clone().requires_grad_() for tensor in (x, weight, torch.zeros(d))]
    wanted_x, wanted_weight, wanted_bias = torch.autograd.grad(F.linear(*copies), copies, grad_s)
    before = [tensor.clone() for tensor in (grad_s, x, weight)]
    with forbidden("backward", "grad"):
        answer = linear_backward(inplace(grad_s), inplace(x), inplace(weight))
    expect([grad_s, x, weight], before, "grad_s, x and weight are left as they were")
    no_return = {"Nothing comes back: is a `return` missing?": "NoneType"}
    expect(type(answer).__name__, "tuple", "linear_backward returns a tuple", mistakes=no_return)
    expect(len(answer), 3, "the tuple has three gradients")
    shapes = f"for N={n}, C={c}, D={d}, as autograd has it"
    mistakes = {"The order is (grad_x, grad_weight, grad_bias).": wanted_weight}
    if c == d:
        mistakes["On the way back the weight is not transposed."] = grad_s @ weight.T
    expect(answer[0], wanted_x, f"grad_x {shapes}", mistakes=mistakes, rtol=1e-4, atol=1e-5)
    expect(
        answer[1],
        wanted_weight,
        f"grad_weight {shapes}",
        mistakes={
            "It is turned: grad_weight has the shape of the weight, (D, C).": wanted_weight.T,
            "This is the mean over the samples, the sum was asked for.": wanted_weight / n,
            "The order is (grad_x, grad_weight, grad_bias).": wanted_bias,
        },
        rtol=1e-4,
        atol=1e-5,
    )
    expect(
        answer[2],
        wanted_bias,
        f"grad_bias {shapes}",
        mistakes={
            "This is the mean over the samples, the sum was asked for.": wanted_bias / n,
            "You summed over the outputs: sum over the samples, dimension 0.": grad_s.sum(dim=1),
            "Each sample has its own row still: sum over the samples.": grad_s,
            "Everything is summed to one number: keep the columns apart.": grad_s.sum(),
            "The shape must be (D,), as the bias has it.": wanted_bias[None],
        },
        rtol=1e-4,
        atol=1e-5,
    )
### BEGIN HIDDEN TESTS
for n, c, d in [(1, 6, 2), (5, 1, 3), (4, 3, 1), (83, 12, 9)]:
    grad_s, x, weight = (torch.randn(size, generator=g, dtype=torch.float64) for size in [(n, d), (n, c), (d, c)])
    copies = [tensor.clone().requires_grad_() for tensor in (x, weight, torch.zeros(d, dtype=torch.float64))]
    wanted = torch.autograd.grad(F.linear(*copies), copies, grad_s)
    answer = linear_backward(grad_s, x, weight)
    expect(answer, wanted, f"linear_backward for N={n}, C={c}, D={d}, in float64")
### END HIDDEN TESTS

# %% [markdown]
# ## Two layers in a row
#
# `nn.Linear(10, 4)` has 44 parameters. With 100 units in between, `nn.Linear(10, 100)` and `nn.Linear(100, 4)` have 1,504. **Before you run it:**
# which maps can the two compute that the one cannot? The next cell draws the output of a smaller pair, 1 → 8 → 1, against its only input. What does
# the left curve look like, with nothing between the layers? And the right one, with a ReLU between them?

# %% predict
torch.manual_seed(1)
one, two = nn.Linear(1, 8), nn.Linear(8, 1)
line = torch.linspace(-3, 3, 241)[:, None]
with torch.no_grad():
    curves = {"Linear → Linear": two(one(line)), "Linear → ReLU → Linear": two(F.relu(one(line)))}

figure, axes = plot_axes(8.0, 3.0, columns=2)
for ax, (title, curve) in zip(axes, curves.items()):
    ax.plot(line[:, 0], curve[:, 0], color=COLOURS["output"], linewidth=2.4)
    ax.set(title=title, xlabel="input x")
    slopes = curve.diff(dim=0)[:, 0] / line.diff(dim=0)[:, 0]
    print(f"{title:22} slope from {slopes.min():.3f} to {slopes.max():.3f}")
axes[0].set_ylabel("output")
show(
    figure,
    alt="Output against input from -3 to 3 for a random net 1 → 8 → 1. Left, two linear layers alone: a straight line. "
    "Right, the same two layers with a ReLU between them: a line with several bends.",
)

# %% [markdown]
# None, as long as nothing stands between them. Without a ReLU the slope is the same everywhere: two linear layers give a straight line, as
# one does. Put the first into the second,
#
# $$s = \left(x\,w_1^T + b_1\right) w_2^T + b_2 ,$$
#
# and multiply out: $x$ times a matrix, plus a constant row. So **one** layer with the right $w$ and $b$ computes the same, whatever the width in between. That is
# why networks put a nonlinear function between linear layers.
#
# ### Exercise: Collapse two layers into one
#
# Write `collapse(first, second)`: it returns a new `nn.Linear` with a bias, such that `collapse(first, second)(x)` equals `second(first(x))` for every `x`, up
# to rounding. Either of the two given layers may have been made with `bias=False`. They must not be changed.
#
# <details><summary>Hint 1: multiply out on paper</summary>
#
# In the formula above, which part has a factor $x$? Write it as $x\,w^T$ and remember $(a\,b)^T = b^T a^T$. The rest is the bias.
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


# %% exercise="collapse" difficulty=2 minutes=10
def collapse(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """One linear layer that computes second(first(x)).

    first: C → H. second: H → D. Returns: a new layer C → D with a bias.
    """
    ### BEGIN SOLUTION
    layer = nn.Linear(first.in_features, second.out_features)
    with torch.no_grad():
        layer.weight.copy_(second.weight @ first.weight)
        layer.bias.copy_(second(first(torch.zeros(first.in_features))))
    return layer
    ### END SOLUTION


# %% check="collapse" points=2
g = torch.Generator().manual_seed(16)


def random_layers(c, h, d, first_bias=True, second_bias=True):
    layers = nn.Linear(c, h, bias=first_bias), nn.Linear(h, d, bias=second_bias)
    with torch.no_grad():
        for parameter in [*layers[0].parameters(), *layers[1].parameters()]:
            parameter.copy_(torch.randn(parameter.shape, generator=g))
    return layers


# All widths equal first: there, factors in the wrong order raise no error.
first, second = random_layers(4, 4, 4)
w1, b1, w2, b2 = (tensor.detach().clone() for tensor in (first.weight, first.bias, second.weight, second.bias))
layer = collapse(inplace(first), inplace(second))
expect(
    [getattr(layer, "in_features", None), getattr(layer, "out_features", None)],
    [4, 4],
    "collapse returns an nn.Linear: in_features and out_features for 4 → 4 → 4",
    mistakes={"What you return is no nn.Linear. (Is a `return` missing?)": [None, None]},
)
expect(
    layer.weight.detach(),
    w2 @ w1,
    "the new layer's weight for 4 → 4 → 4",
    mistakes={
        "The factors are in the wrong order: x meets the first weight first, and (a b)ᵀ = bᵀ aᵀ.": w1 @ w2,
        "It is turned: a weight has one row per output.": (w2 @ w1).T,
        "It is turned, (a b)ᵀ = bᵀ aᵀ: multiply the weights as they are stored.": w2.T @ w1.T,
        "Two linear maps in a row multiply, they do not add.": w1 + w2,
    },
    rtol=1e-4,
    atol=1e-5,
)
expect(layer.bias is None, False, "the new layer has a bias")
expect(
    layer.bias.detach(),
    w2 @ b1 + b2,
    "the new layer's bias for 4 → 4 → 4",
    mistakes={
        "The first bias passes through the second layer, so it meets the second weight.": b1 + b2,
        "The first bias meets the second weight turned: w₂ b₁ for a column, b₁ w₂ᵀ for a row.": b1 @ w2 + b2,
        "The first layer's bias is lost.": b2,
        "The second layer's bias is lost.": w2 @ b1,
    },
    rtol=1e-4,
    atol=1e-5,
)
expect(
    [first.weight.detach(), second.weight.detach()], [w1, w2], "the weights of the given layers are left as they were"
)
expect([first.bias.detach(), second.bias.detach()], [b1, b2], "the biases of the given layers are left as they were")
first, second = random_layers(3, 7, 5)
x = torch.randn(6, 3, generator=g)
layer = collapse(first, second)
expect(tuple(layer.weight.shape), (5, 3), "the shape of the new weight for 3 → 7 → 5")
expect(layer(x).detach(), second(first(x)).detach(), "collapse(first, second)(x) for 3 → 7 → 5", rtol=1e-4, atol=1e-4)
first, second = random_layers(6, 2, 5, first_bias=False)
x = torch.randn(9, 6, generator=g)
expect(
    collapse(first, second)(x).detach(),
    second(first(x)).detach(),
    "collapse(first, second)(x) when the first layer has no bias",
    rtol=1e-4,
    atol=1e-4,
)
### BEGIN HIDDEN TESTS
for first_bias, second_bias in [(True, False), (False, False)]:
    first, second = random_layers(5, 8, 2, first_bias, second_bias)
    x = torch.randn(4, 5, generator=g)
    layer = collapse(first, second)
    what = f"collapse of layers with bias={first_bias} and bias={second_bias}"
    expect(layer(x).detach(), second(first(x)).detach(), what, rtol=1e-4, atol=1e-4)
    expect(layer.bias is None, False, "the new layer has a bias")
### END HIDDEN TESTS

# %% [markdown]
# ### Back through two layers
#
# With a ReLU between them, two layers cannot be collapsed, and the backward pass has to go through all three steps. Each step receives the gradient of its
# output and hands on the gradient of its input. Layer 2 hands on its $\partial L/\partial x$. Its input was $h$, so this is $\partial L/\partial h$:
#
# $$\frac{\partial L}{\partial h} = \frac{\partial L}{\partial s_2}\, w_2 .$$
#
# The ReLU passes it on where its own input was positive, and passes 0 elsewhere. What comes out, $\partial L/\partial s_1$, is all that layer 1 needs.


# %%
figure, ax = canvas(19.4, 6.6, cell=0.46)
stations = [("x", "N×C", "input"), ("s₁", "N×H", "plain"), ("h", "N×H", "plain"), ("s₂", "N×D", "output")]
for k, (name, shape, role) in enumerate(stations):
    left = 0.6 + 5.2 * k
    for top, colour, text in [(1.2, COLOURS[role], name), (4.2, COLOURS["loss"], f"∂L/∂{name}")]:
        ax.add_artist(plt.Rectangle((left, top), 2.6, 1.5, facecolor=(colour, 0.12), edgecolor=colour, linewidth=2))
        ax.text(left + 1.3, top + 0.58, text, ha="center", va="center", fontsize=11, weight="bold", color=colour)
        ax.text(left + 1.3, top + 1.12, shape, ha="center", va="center", fontsize=8.5, color=INK)
for k, step in enumerate(["layer 1: w₁, b₁", "ReLU", "layer 2: w₂, b₂"]):
    start, end = 3.4 + 5.2 * k, 5.6 + 5.2 * k
    ax.annotate("", (end, 1.95), (start, 1.95), arrowprops={"arrowstyle": "->", "color": INK, "lw": 1.6})
    ax.annotate("", (start, 4.95), (end, 4.95), arrowprops={"arrowstyle": "->", "color": COLOURS["loss"], "lw": 1.6})
    learned = step != "ReLU"
    ax.text((start + end) / 2, 0.75, step, ha="center", fontsize=9, color=COLOURS["learned"] if learned else INK)
    if learned:
        number = "₁₂"[k // 2]
        ax.text((start + end) / 2, 6.2, f"∂L/∂w{number}, ∂L/∂b{number}", ha="center", fontsize=9, color=COLOURS["loss"])
show(
    figure,
    alt="Two rows of boxes. Above, the forward pass from left to right: x of N×C, layer 1, s₁ of N×H, ReLU, h of N×H, layer 2, "
    "s₂ of N×D. Below in red, the backward pass from right to left through gradients of the same shapes: ∂L/∂s₂, ∂L/∂h, "
    "∂L/∂s₁, ∂L/∂x. Layer 2 gives ∂L/∂w₂ and ∂L/∂b₂ on the way, layer 1 gives ∂L/∂w₁ and ∂L/∂b₁.",
)

# %% [markdown]
# ### Exercise: Backward through a small network
#
# The network is $s_1 = x\,w_1^T + b_1$, $h = \mathrm{relu}(s_1)$, $s_2 = h\,w_2^T + b_2$. Write `two_layer_backward(x, w1, b1, w2, grad_s2)`: it receives
# $\partial L/\partial s_2$ and returns the tuple `(grad_w1, grad_b1, grad_w2, grad_b2)`. Compute $s_1$ and $h$ again inside the function. No loop, no
# autograd (neither `backward()` nor `torch.autograd.grad`). You may call your `linear_backward`. The arguments must not be changed.
#
# `b2` is no argument: try to say why before you begin.
#
# <details><summary>Why b2 is not needed</summary>
#
# $b_2$ is only added, so the slope of $s_2$ with respect to $h$, $w_2$ or $b_2$ itself does not contain it. It does change the values of $s_2$ and with
# them the loss, but that effect is already in $\partial L/\partial s_2$. For the same reason `linear_backward` takes no bias. $b_1$ is needed: it decides where the ReLU is open.
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
# The weight's gradient needs the input that *this* layer had in the forward pass. For layer 2 that is $h$: not $x$, and not $s_1$.
#
# </details>
#
# <details><summary>Hint 3: backward through the ReLU</summary>
#
# Multiply by 1 where $s_1 > 0$ and by 0 elsewhere. A comparison gives a tensor of booleans, and a product of numbers and booleans is numbers.
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
g = torch.Generator().manual_seed(17)
n, c, hidden, d = 9, 4, 6, 3
x, w1, b1, w2, grad_s2 = (
    torch.randn(size, generator=g) for size in [(n, c), (hidden, c), (hidden,), (d, hidden), (n, d)]
)
before = [tensor.clone() for tensor in (x, w1, b1, w2, grad_s2)]
copies = [tensor.clone().requires_grad_() for tensor in (w1, b1, w2, torch.zeros(d))]
s1 = F.linear(x, copies[0], copies[1])
s2 = F.linear(F.relu(s1), copies[2], copies[3])
wanted = torch.autograd.grad(s2, copies, grad_s2)
s1 = s1.detach()
no_mask = grad_s2 @ w2
wrong_mask = no_mask * (no_mask > 0)
with forbidden("backward", "grad"):
    answer = two_layer_backward(inplace(x), inplace(w1), inplace(b1), inplace(w2), inplace(grad_s2))
no_return = {"Nothing comes back: is a `return` missing?": "NoneType"}
expect(type(answer).__name__, "tuple", "two_layer_backward returns a tuple", mistakes=no_return)
expect(len(answer), 4, "the tuple has four gradients")
expect(
    [str(tuple(tensor.shape)) for tensor in answer],
    ["(6, 4)", "(6,)", "(3, 6)", "(3,)"],
    "the shapes of the four gradients, for N=9, C=4, H=6, D=3",
    mistakes={"The order is (grad_w1, grad_b1, grad_w2, grad_b2).": ["(3, 6)", "(3,)", "(6, 4)", "(6,)"]},
)
expect(
    answer[2],
    wanted[2],
    "grad_w2, as autograd has it",
    mistakes={
        "The input of layer 2 is h, behind the ReLU, not s₁.": grad_s2.T @ s1,
        "This is the mean over the samples, the sum was asked for.": wanted[2] / n,
    },
    rtol=1e-4,
    atol=1e-4,
)
expect(
    answer[3],
    wanted[3],
    "grad_b2, as autograd has it",
    mistakes={"This is the mean over the samples, the sum was asked for.": wanted[3] / n},
    rtol=1e-4,
    atol=1e-4,
)
expect(
    answer[0],
    wanted[0],
    "grad_w1, as autograd has it",
    mistakes={
        "The ReLU is left out on the way back: it passes nothing where s₁ ≤ 0.": no_mask.T @ x,
        "Look at the sign of s₁, the ReLU's input, not at the sign of the gradient.": wrong_mask.T @ x,
        "The gradient is multiplied by h: the ReLU's slope is 1 or 0.": (no_mask * s1.clamp(min=0)).T @ x,
        "This is the mean over the samples, the sum was asked for.": wanted[0] / n,
    },
    rtol=1e-4,
    atol=1e-4,
)
expect(
    answer[1],
    wanted[1],
    "grad_b1, as autograd has it",
    mistakes={
        "The ReLU is left out on the way back: it passes nothing where s₁ ≤ 0.": no_mask.sum(dim=0),
        "This is the mean over the samples, the sum was asked for.": wanted[1] / n,
    },
    rtol=1e-4,
    atol=1e-4,
)
expect([x, w1, b1, w2, grad_s2], before, "the arguments are left as they were")
### BEGIN HIDDEN TESTS
for n, c, hidden, d in [(1, 3, 5, 2), (8, 1, 4, 6), (40, 7, 11, 1)]:
    sizes = [(n, c), (hidden, c), (hidden,), (d, hidden), (n, d)]
    x, w1, b1, w2, grad_s2 = (torch.randn(size, generator=g, dtype=torch.float64) for size in sizes)
    b1[0] = -100.0  # a dead unit: nothing passes, forward or backward
    copies = [tensor.clone().requires_grad_() for tensor in (w1, b1, w2, torch.zeros(d, dtype=torch.float64))]
    s2 = F.linear(F.relu(F.linear(x, copies[0], copies[1])), copies[2], copies[3])
    wanted = torch.autograd.grad(s2, copies, grad_s2)
    what = f"two_layer_backward for N={n}, C={c}, H={hidden}, D={d} with a dead unit, in float64"
    expect(two_layer_backward(x, w1, b1, w2, grad_s2), wanted, what)
### END HIDDEN TESTS

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A layer is made by <code>nn.Linear(784, 200)</code>. What are the shapes of its parameters, how many numbers are they, and between which bounds do they start?</summary>
#
# The weight is 200×784, the bias has 200 entries: 200 · (784 + 1) = 157,000 numbers. They start between −1/√784 and 1/√784, that is ±1/28 ≈ ±0.0357.
#
# </details>
#
# <details><summary>2. You get ∂L/∂s for a batch, N×D. Which products give the gradients of weight and input, and why is the bias gradient a sum over the samples?</summary>
#
# $\partial L/\partial w = (\partial L/\partial s)^T x$ is D×C, $\partial L/\partial x = (\partial L/\partial s)\,w$ is N×C. The bias is added once in every sample, so every sample
# contributes to its gradient, and the contributions add up.
#
# </details>
#
# <details><summary>3. A batch of 32 images of 28×28 goes into <code>nn.Linear(28, 10)</code> without an error. What comes out, and what was probably meant?</summary>
#
# 32×28×10: the layer maps the last dimension, each row of pixels by itself. Probably one vector of 10 per image was meant: `nn.Linear(784, 10)` on `images.flatten(1)`.
#
# </details>
#
# **Next**: `05_mse_loss`. A layer can now hand out gradients, but something has to say how wrong its outputs are. You will meet a loss, see what it gives back,
# and train a linear layer on real digits.
