# %% [markdown]
# # Linear layers
#
# After this notebook you will be able to
#
# - compute a linear layer for a whole batch, and give the shape of every part before you run it;
# - create an `nn.Linear`, count its parameters, predict the range of their initial values, and write your own values into them;
# - apply a layer to an input with any number of dimensions;
# - write the backward pass of a linear layer by hand and get the same numbers as autograd;
# - train a small network to read digits, with gradients from your own code.
#
# **Points**: 16. **Time**: about 45 minutes of reading and 75 minutes for the 8 exercises. **You need**: tensors and their shapes, transposing and
# broadcasting, `backward()` and `.grad`, and from `03_functional_and_relu` the ReLU and the difference between `F` and `nn`.
#
# The check below each exercise tries everything that the exercise asks for. The grader asks for nothing more, but it tries more values.

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

# %% [markdown]
# Both sums together are one product of a matrix and a vector, `shop_weight @ order`.
#
# **Before you run it:** the second order is three cheeses and nothing else. Which two numbers come out? And what does
# `shop_weight @ orders` do with all four orders?

# %% predict
print("the second order:", shop_weight @ orders[1] + shop_bias)
try:
    print("all orders:", shop_weight @ orders)
except RuntimeError as error:
    print("all orders:", error)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Three cheeses cost 3 · 5 + 2 = 17 € and take 3 · 2 + 3 = 9 minutes.
#
# A matrix product pairs the *last* dimension of its left factor with the *first* of its right one, so these two must have the same size.
# `shop_weight` is 2×3 and `orders` is 4×3: 3 does not match 4. The products (bread, cheese, tea) come last in both.
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
# where the transpose comes from. (Strictly speaking, a map with a constant is *affine*. The field calls it linear.)
#
# The next picture shows only shapes. Row $n$ of $x$ and column $d$ of $w^T$ meet in the cell $s_{nd}$.


# %% folded label="Draw the shapes of a linear layer"
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
    letter = {"fontsize": 11, "style": "italic", "color": INK}
    ax.text(left - 0.2, top + rows / 2, edges[0], ha="right", va="center", **letter)
    ax.text(left + columns / 2, top + rows + 0.15, edges[1], ha="center", va="top", **letter)


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
    alt="Shapes of a linear layer. x, N×C, is on the left and wᵀ, C×D, above their product x wᵀ, N×D: the marked row "
    "of x and the marked column of wᵀ meet in the marked cell. To its right the bias, one row of D cells, is repeated "
    "with dotted lines for each of the N rows, and the sum s is N×D. The edges that meet in the product are both C.",
)

# %% [markdown]
# ### Exercise: The forward pass
#
# Write `linear(x, weight, bias)`: the rule above, for a whole batch at once. Use torch's matrix operations, without a loop and without
# `F.linear` (or `nn.Linear`, which calls it). Leave the arguments as they are. The result has their dtype.
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


def draw(sizes, dtype=torch.float32):
    return [torch.randn(size, generator=g, dtype=dtype) for size in sizes]


def compare(x, weight, bias, what):
    before = [x.clone(), weight.clone(), bias.clone()]
    wanted, no_bias = F.linear(x, weight, bias), F.linear(x, weight)
    mistakes = {
        "The bias is missing.": no_bias,
        "The result is transposed: each sample is a row, each output a column.": wanted.T,
    }
    if weight.shape[0] == weight.shape[1]:  # without the transpose there is no error then, only wrong numbers
        mistakes["The weight is not transposed."] = F.linear(x, weight.T.clone(), bias)
    if x.shape[0] == weight.shape[0] > 1:
        mistakes["Each row got its own bias: entry d of the bias belongs to column d."] = no_bias + bias[:, None]
    with forbidden("linear"):
        answer = linear(inplace(x), inplace(weight), inplace(bias))
    if not all(map(torch.equal, [x, weight, bias], before)):
        expect([x, weight, bias], before, "x, weight and bias are left as they were")
    expect(answer, wanted, what, mistakes=mistakes)


for sizes in [((5, 3), (3, 3), (3,)), ((6, 5), (2, 5), (2,)), ((4, 3), (4, 3), (4,)), ((1, 4), (3, 4), (3,))]:
    compare(*draw(sizes), f"linear(x, weight, bias) for shapes {', '.join(map(str, sizes))}")
x, weight, bias = draw([(2, 7), (3, 4), (4,)], torch.float64)
x, weight = x.T, torch.cat([weight.T, weight.T])[2:6, :2]  # neither of them is contiguous
compare(x, weight, bias, "linear(x, weight, bias) for shapes (7, 2), (4, 2), (4,) in float64")


def steps(sizes):
    arguments = draw(sizes)
    with forbidden("linear"), Watch(operations=False) as seen:
        linear(*arguments)
    return seen.functions


few, many = steps([(3, 4), (5, 4), (5,)]), steps([(40, 30), (20, 30), (20,)])
require(
    len(many) <= len(few) + 5 and not {"tolist", "numpy", "__array__"} & set(many),
    "no loop: torch computes 40 samples in as many steps as 3",
    "Your code goes through the numbers in Python (a loop, `tolist` or NumPy). One matrix product does it all.",
)
### BEGIN HIDDEN TESTS
for n, c, d in [(1, 4, 7), (9, 1, 3), (8, 6, 1), (6, 6, 6)]:
    for dtype in (torch.float32, torch.float64):
        x, weight, bias = draw([(n, c), (d, c), (d,)], dtype)
        compare(x, weight, bias, f"linear for {n} samples, {c} inputs, {d} outputs, in {dtype}")
### END HIDDEN TESTS

# %% [markdown]
# Your function computes all four orders of the shop:

# %% yours folded label="Draw your result for the shop"
import copy


def kinds_of(value):
    """Shape and dtype of a tensor, of several, or of a module's parameters."""
    several = value.parameters() if isinstance(value, nn.Module) else value
    return [(one.shape, one.dtype) for one in ([value] if isinstance(value, torch.Tensor) else several)]


def usable(yours, ours, *example):
    """Yours if it runs and gives the right shapes and dtypes, else ours."""
    chosen = yours_or_ours(yours, ours, *example)
    try:
        fits = kinds_of(chosen(*copy.deepcopy(example))) == kinds_of(ours(*example))
    except Exception:
        fits = False
    if not fits:
        print(f"`{yours.__name__}` does not give the right shapes and dtypes yet: the course's own version stands in.")
    return chosen if fits else ours


forward = usable(linear, F.linear, orders, shop_weight, shop_bias)
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
# `F.linear(x, weight, bias)` is this function. `torch.addmm(b, x, a)` computes `b + x @ a` in **one** operation: **add** to a
# **m**atrix **m**ultiplication. It knows nothing about layers, so you transpose the weight yourself: `a = w.T`.

# %%
s = F.linear(orders, shop_weight, shop_bias)
print(s)
print("addmm gives the same:", torch.allclose(torch.addmm(shop_bias, orders, shop_weight.T), s))
print("without a bias:", F.linear(orders[:1], shop_weight))

# %% [markdown]
# ## The layer that holds its parameters
#
# `F.linear` wants the weight and the bias from you. The module `nn.Linear(in_features, out_features, bias=True)` **creates them**
# and holds them as `nn.Parameter`s. You give it the two sizes once, and from then on only `x`.
#
# **Before you run it:** `nn.Linear(10, 4)` maps 10 features to 4. Is its weight 10×4 or 4×10? What are the shapes of the outputs for
# a batch of 523 samples, and for a batch of none?

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
# ### When it refuses
#
# Sooner or later everybody meets two errors.
#
# **Before you run it:** what is wrong with each of the two calls? Which numbers will the first message show?

# %% predict varies
for wrong in (torch.zeros(523, 4), torch.zeros(523, 10, dtype=torch.float64)):
    try:
        layer(wrong)
    except RuntimeError as error:
        print(error)

# %% [markdown]
# <details><summary>Why? How to read the two messages</summary>
#
# *Shapes*: `mat1` is your `x`, and `mat2` is the **transposed** weight, C×D. The two inner numbers, 4 and 10, should be equal. Here the last
# dimension of `x` is 4, but the layer was made for 10.
#
# *dtypes*: `Double` is float64, the usual dtype of NumPy arrays. The layer's parameters are float32. Convert the input with `x.float()`.
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
# In a stack of linear layers, the outputs of one layer are the inputs of the next. The list `[256, 200, 10]` gives the widths of such a stack: one
# layer from 256 to 200, then one from 200 to 10. Write `parameter_count(widths, bias=True)`: the number of parameters of all layers together, as a
# Python `int`. With `bias=False` no layer has a bias. A single width makes no layer, so its count is 0.
#
# Compute the number from the widths. The check asks for stacks that no computer can build, so you can't count by making the layers.
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
expect(
    parameter_count([10, 4]),
    44,
    "parameter_count([10, 4])",
    mistakes={
        "The bias is missing: there is one for each output.": 40,
        "There is one bias for each output, not for each input.": 50,
        "There is one bias for each output, not one for each layer.": 41,
        "The inputs have no bias: only the layer's outputs do.": 54,
    },
)
expect(
    parameter_count([256, 200, 10]),
    53_410,
    "parameter_count([256, 200, 10])",
    mistakes={"Only the first layer is counted.": 51_400, "Only the last layer is counted.": 2_010},
)
expect(
    parameter_count([256, 200, 10], bias=False),
    53_200,
    "parameter_count([256, 200, 10], bias=False)",
    mistakes={"bias=False makes no difference in yours.": 53_410},
)
expect(parameter_count([3, 8, 8, 2, 5], False), 144 - 30, "parameter_count([3, 8, 8, 2, 5], False)")
expect(parameter_count([7]), 0, "parameter_count([7]): no layer")
expect(
    parameter_count([10**10, 10**10, 3]),
    100_000_000_040_000_000_003,
    "parameter_count([10**10, 10**10, 3]), a stack that no computer can build",
)
### BEGIN HIDDEN TESTS
g = torch.Generator().manual_seed(12)
for depth in (2, 3, 6):
    widths = torch.randint(1, 900, (depth,), generator=g).tolist()
    for bias in (True, False):
        wanted = sum(widths[i + 1] * (widths[i] + int(bias)) for i in range(depth - 1))
        expect(parameter_count(list(widths), bias), wanted, f"parameter_count({widths}, {bias})")
expect(parameter_count([19], bias=False), 0, "parameter_count([19], bias=False)")
expect(parameter_count([10**15, 10**16], bias=False), 10**31, "parameter_count([10**15, 10**16], bias=False)")
### END HIDDEN TESTS

# %% [markdown]
# ## Where the parameters start
#
# Nobody gave `nn.Linear(10, 4)` any values, and yet it computes. Its weight and bias are drawn at random when it is created, both from the same
# interval. This interval depends on one number only: $\mathrm{fan\_in}$, the number of inputs that each output sums up. For a linear layer that is
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
# **Before you run it:** one layer has 16 inputs, the other 256. The outputs are chosen so that both have 32,000 weights.
# Whose weights spread wider, and by what factor?

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
# The layer with 16 inputs. The other has 16 times as many, so its interval is $\sqrt{16} = 4$ times as narrow.
#
# </details>
#
# **Before you run it:** now the inputs are drawn from a normal distribution with mean 0 and standard deviation 1. From layer to layer the number of
# inputs is multiplied by 16. Does the standard deviation of the outputs grow, shrink or stay the same?

# %% predict
torch.manual_seed(0)
for c in (4, 64, 1024):
    with torch.no_grad():
        s = nn.Linear(c, 300)(torch.randn(500, c))
    print(f"fan_in {c:4}: standard deviation of the outputs {s.std():.2f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# It hardly changes. A sum of more terms spreads wider, and the smaller weights make up for it: that is why the bound has $\sqrt{\mathrm{fan\_in}}$
# in it.
#
# In numbers: a value drawn from $U(-a, a)$ has variance $a^2/3$. With inputs of mean 0 and variance 1, an output has the variance
# $\mathrm{fan\_in} \cdot \frac{1}{3\,\mathrm{fan\_in}} + \frac{1}{3\,\mathrm{fan\_in}} = \frac{1}{3}\left(1 + \frac{1}{\mathrm{fan\_in}}\right)$,
# which is close to $\frac13$ however many inputs there are. The standard deviation is then $1/\sqrt 3 \approx 0.58$, and 0.65 for 4 inputs.
#
# </details>
#
# ### Exercise: Draw the initial values
#
# Write `initial_values(in_features, out_features)`: it returns the tuple `(weight, bias)`, two new float32 tensors with the shapes and the
# distribution that `nn.Linear(in_features, out_features)` starts with. Draw every value by itself. Don't make an `nn.Linear`, and don't call
# `nn.init.kaiming_uniform_`, which `nn.Linear` calls when it is made. Don't set a seed: each call draws new values.
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
def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def drawn(c, d):
    """One call, its type and shapes asserted; returns weight and bias."""
    call = f"initial_values({c}, {d})"
    with forbidden("kaiming_uniform_"):
        answer = initial_values(c, d)
    told = "Nothing comes back: is a `return` missing?" if answer is None else f"Yours is a {type(answer).__name__}."
    must(isinstance(answer, tuple), f"{call} returns a tuple", told)
    must(len(answer) == 2, f"{call} returns two values", f"Yours has {len(answer)}.")
    must(all(isinstance(one, torch.Tensor) for one in answer), f"{call} returns tensors", "Yours are not tensors.")
    must([one.dtype for one in answer] == [torch.float32] * 2, f"both tensors of {call} are float32", "Yours are not.")
    expect(
        [str(tuple(one.shape)) for one in answer],
        [f"({d}, {c})", f"({d},)"],
        f"the shapes of weight and bias in {call}",
        mistakes={
            "The weight has one row per output: (out_features, in_features).": [f"({c}, {d})", f"({d},)"],
            "The bias has one value per output.": [f"({d}, {c})", f"({c},)"],
            "The order is (weight, bias).": [f"({d},)", f"({d}, {c})"],
        },
    )
    return [one.detach() for one in answer]


def unlike(weight):
    """How far apart neighbours are on average, in bounds: 2/3 for values drawn one by one."""
    return (weight.flatten().diff().abs().mean() / weight.abs().max()).item()


weight, bias = drawn(300, 90)
bound = 1 / math.sqrt(300)
expect(
    weight.std().item(),
    bound / math.sqrt(3),
    "the standard deviation of the 27,000 weights, within 3 %",
    mistakes={
        "The values spread √3 times too far: normal values, randn / √fan_in, do so.": bound,
        "The interval is half as long as it should be: from −bound to bound is 2·bound.": bound / math.sqrt(12),
        "You divided by the number of outputs: fan_in is in_features.": 1 / math.sqrt(90) / math.sqrt(3),
        "The square root is missing: 1/√fan_in.": 1 / 300 / math.sqrt(3),
        "The values are not scaled by 1/√fan_in.": 1 / math.sqrt(3),
        "That is Xavier's rule. The bound here is 1/√fan_in, without fan_out.": math.sqrt(2 / 390),
    },
    rtol=0.03,
)
told = "All of yours are positive: torch.rand draws from 0 to 1."
require(weight.min().item() < 0, "some weights are negative", told)
told = "Some are: is your distribution uniform?"
require(weight.abs().max().item() <= bound * 1.0001, "no weight is beyond ±1/√300", told)
told = "The same values come several times."
require(weight.unique().numel() > 26_000, "every weight is drawn by itself", told)
require(abs(unlike(weight) - 2 / 3) < 0.03, "the weights are in random order", "Neighbours depend on each other.")
expect(weight.mean().item(), 0.0, "the mean of the weights is close to 0", atol=bound / 30)
counts = torch.histc(weight, 10, -bound, bound)
require(
    bool((counts - 2700).abs().max() < 400),
    "the weights are spread evenly over ten parts of the interval",
    "Some parts of the interval have more weights than others: is your distribution uniform?",
)
weight, bias = drawn(4, 30_000)
expect(
    [bias.min().item(), bias.max().item()],
    [-0.5, 0.5],
    "the smallest and largest bias of initial_values(4, 30000) are close to ∓1/√4",
    mistakes={
        "The bias is all zeros: it is drawn like the weight.": [0.0, 0.0],
        "No bias is negative: torch.rand draws from 0 to 1.": [0.0, 0.5],
        "The bias has the same bound as the weight: 1/√in_features.": [-1 / math.sqrt(30_000), 1 / math.sqrt(30_000)],
        "The bias is not scaled by 1/√in_features.": [-1.0, 1.0],
    },
    rtol=0.01,
    atol=1e-3,
)
counts = torch.histc(bias, 10, -0.5, 0.5)
require(
    bool((counts - 3000).abs().max() < 400),
    "the biases are spread evenly over ten parts of the interval",
    "Some parts of the interval have more biases than others: is your distribution uniform?",
)
require(bias.unique().numel() > 29_000, "every bias is drawn by itself", "The same values come several times.")
require(abs(unlike(bias) - 2 / 3) < 0.03, "the biases are in random order", "Neighbours depend on each other.")
require(
    int(torch.isin(bias, weight).sum()) < 1500,
    "the bias is drawn anew, not taken from the weight",
    "Most of your biases are also weights.",
)
again = drawn(4, 30_000)
require(
    not torch.equal(weight, again[0]) and not torch.equal(bias, again[1]),
    "a second call draws other values",
    "The second call gave the same values as the first: is a seed set inside the function?",
)
weight, bias = drawn(1, 2000)
largest = [weight.abs().max().item(), bias.abs().max().item()]
expect(largest, [1.0, 1.0], "the largest absolute values of initial_values(1, 2000)", rtol=0.02)
### BEGIN HIDDEN TESTS
one, two = drawn(6, 5), drawn(6, 5)
for i in range(2):
    require(not torch.equal(one[i], two[i]), "a second call draws other values", "Is a seed set inside the function?")
    require(bool(one[i].abs().max() <= 0.40829), "initial_values(6, 5) is within ±1/√6", "A value is beyond.")
for c, d in [(20_000, 3), (2, 20_000), (50, 400)]:
    weight, bias = drawn(c, d)
    bound, what = 1 / math.sqrt(c), f"of initial_values({c}, {d})"
    expect(weight.min().item(), -bound, f"the smallest weight {what}", rtol=0.02)
    expect(weight.max().item(), bound, f"the largest weight {what}", rtol=0.02)
    expect(weight.std().item(), bound / math.sqrt(3), f"the standard deviation of the weights {what}", rtol=0.03)
    expect(weight.mean().item(), 0.0, f"the mean of the weights {what}", atol=0.05 * bound)
    require(bool(bias.abs().max() <= bound * 1.0001), f"the biases {what} are within ±1/√{c}", "A bias is beyond.")
    require(weight.unique().numel() > 0.9 * c * d, f"every weight {what} is drawn by itself", "Values repeat.")
    require(abs(unlike(weight) - 2 / 3) < 0.03, f"the weights {what} are in random order", "Neighbours are alike.")
one = drawn(1, 1)
### END HIDDEN TESTS

# %% [markdown]
# ## Writing parameters yourself
#
# You know the shop's numbers, so give them to a layer. A parameter can't be overwritten like any other tensor, because it is a *leaf* that
# requires a gradient.
#
# **Before you run it:** here are three attempts to set the weight. Which of them work?

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
# <details><summary>Why?</summary>
#
# Only the third. Under `torch.no_grad()` autograd does not record, so the parameter may be overwritten in place. It stays the same
# `nn.Parameter`, and it stays trainable. (The `Variable` in the first message is the old name of a tensor that autograd records.)
#
# `shop.weight = nn.Parameter(values)` works too. It puts a *new* parameter into the layer, and an optimizer that was made before does not know it.
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
# Write `given_map()`: it returns a new `nn.Linear` that turns each row $(x_0, x_1, x_2, x_3)$ into $(y_0, y_1, y_2)$ with
#
# $$y_0 = x_0 - x_1, \qquad y_1 = \text{the mean of } x_0, x_1, x_2, x_3, \qquad y_2 = 3\,x_2 + 5 .$$
#
# The layer stays trainable: its weight and its bias are `nn.Parameter`s with `requires_grad=True`. Each call makes a layer of its own.
#
# <details><summary>Hint 1: what does one row look like?</summary>
#
# Write each output as a weighted sum of *all four* inputs: $y_0 = 1\,x_0 + (-1)\,x_1 + 0\,x_2 + 0\,x_3 + 0$. The four factors are a row of the
# weight, and the last number is an entry of the bias.
#
# </details>
#
# <details><summary>Hint 2: and the bias?</summary>
#
# Two outputs add no constant. A new layer's bias is random, not zero, so you have to write it too.
#
# </details>
#
# <details><summary>Hint 3: writing</summary>
#
# Make the layer, then use `copy_` on its weight and its bias, as the shop's layer did above.
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
layer = given_map()
told = f"What comes back is a {type(layer).__name__}."
told = "Nothing comes back: is a `return` missing?" if layer is None else told
require(isinstance(layer, nn.Linear), "given_map() returns an nn.Linear", told)
expect(
    [layer.in_features, layer.out_features],
    [4, 3],
    "in_features and out_features of the layer",
    mistakes={"They are the wrong way round: nn.Linear(in_features, out_features).": [3, 4]},
)
require(layer.bias is not None, "the layer has a bias: y₂ adds a constant", "Your layer was made with bias=False.")
parameters = [layer.weight, layer.bias]
require(
    all(isinstance(one, nn.Parameter) for one in parameters),
    "weight and bias are nn.Parameters",
    "One of them is another kind of tensor.",
)
require(
    all(one.requires_grad for one in parameters),
    "the layer is still trainable",
    "requires_grad is False for the weight or the bias: training would never change it.",
)
weight, bias = (one.detach().clone() for one in parameters)
wanted = torch.zeros(3, 4)
wanted[0, 0], wanted[0, 1], wanted[1], wanted[2, 2] = 1, -1, 0.25, 3
expect(
    weight,
    wanted,
    "the weight: row d has the factors of output d",
    mistakes={
        "y₁ is the sum, but the mean was asked for.": wanted * torch.tensor([[1.0], [4.0], [1.0]]),
        "y₀ has the wrong sign: it is x₀ − x₁.": wanted * torch.tensor([[-1.0], [1.0], [1.0]]),
        "x₂ is in column 2: counting starts at 0.": torch.stack([wanted[0], wanted[1], wanted[2].roll(-1)]),
    },
)
told = "y₀ and y₁ add no constant, but a new layer's bias is random: overwrite it."
told = "5 belongs to y₂ alone." if torch.equal(bias, torch.full((3,), 5.0)) else told
require(bool((bias[:2] == 0).all()), "the bias of y₀ and of y₁ is 0", told)
expect(bias[2].item(), 5.0, "the bias of y₂", mistakes={"The constant 5 is missing.": 0.0})
x = torch.tensor([[1.0, 2, 3, 4], [8, -2, 0, 6]])
y = layer(x)
expect(y.detach(), torch.tensor([[-1.0, 2.5, 14], [10, 3, 5]]), "layer(x) for two rows x")
y.sum().backward()
told = "The gradient does not reach it."
for one, size in [(layer.weight, (3, 4)), (layer.bias, (3,))]:
    require(one.grad is not None, f"the parameter of shape {size} gets a gradient", told)
expect(layer.weight.grad, torch.tensor([[9.0, 0, 3, 10]] * 3), "the gradient of the weight when all outputs are summed")
other = given_map()
with torch.no_grad():
    layer.weight.zero_()
    layer.bias.zero_()
expect(
    [other.weight.detach().clone(), other.bias.detach().clone()],
    [weight, bias],
    "a second call of given_map() returns a layer of its own",
)
### BEGIN HIDDEN TESTS
layer = given_map()
require(
    sorted(name for name, _ in layer.named_parameters()) == ["bias", "weight"],
    "weight and bias are the layer's parameters",
    "Others were found.",
)
x = torch.randn(7, 4, generator=torch.Generator().manual_seed(13))
y = torch.stack([x[:, 0] - x[:, 1], x.mean(1), 3 * x[:, 2] + 5], dim=1)
expect(layer(x).detach(), y, "layer(x) for x of shape (7, 4)")
with torch.no_grad():
    layer.weight.fill_(1.0)
    layer.bias.zero_()
expect(layer(x).detach(), x.sum(1, keepdim=True).repeat(1, 3), "the layer computes with the parameters that it has")
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
# as it is? Is that the layer you want?

# %% predict
images = torch.zeros(5, 28, 28)
for layer in (nn.Linear(28, 10), nn.Linear(784, 10)):
    try:
        print(layer, tuple(layer(images).shape))
    except RuntimeError as error:
        print(layer, error)

# %% [markdown]
# <details><summary>Why?</summary>
#
# `nn.Linear(28, 10)` raises nothing, which is a trap. It gives 10 numbers per *row of pixels*, and no pixel ever meets a pixel of another row. For
# 10 numbers per image, flatten each image first, so that all its pixels are in the last dimension: `nn.Linear(784, 10)(images.flatten(1))`.
#
# </details>
#
# ### Exercise: A layer along any dimension
#
# Colour images come as N×C×H×W: the features of a pixel, its channels, are in dimension 1, not in the last one. Write
# `linear_along(x, weight, bias=None, dim=-1)`. It applies the same linear layer to every vector along dimension `dim` of `x`, which has size C.
# The result has the shape of `x`, except that dimension `dim` has size D. All other dimensions keep their places.
# `bias` may be `None`, and `dim` may be negative. Leave the arguments as they are. You may use `F.linear`.
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


def compare(answer, wanted, what, arguments, before, mistakes=None):
    if not all(map(torch.equal, arguments, before)):
        expect(list(arguments), before, "x, weight and bias are left as they were")
    expect(answer, wanted, what, mistakes=mistakes, rtol=1e-4, atol=1e-5)


def draw(*sizes, dtype=torch.float32):
    tensors = [torch.randn(size, generator=g, dtype=dtype) for size in sizes]
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
}
what = "linear_along(x, weight, bias, dim=1) for x of shape (2, 4, 6, 4)"
compare(answer, wanted, what, [x, weight, bias], before, mistakes)
x, weight, before = draw((2, 3, 6, 5), (7, 3))
x = x.transpose(0, 2).contiguous().transpose(0, 2)  # not contiguous
answer = linear_along(inplace(x), inplace(weight), dim=1)
wanted = F.conv2d(x, weight[:, :, None, None])
compare(answer, wanted, "linear_along(x, weight, dim=1) for x of shape (2, 3, 6, 5)", [x, weight], before)
x, weight, bias, before = draw((6, 3, 5), (2, 3), (2,), dtype=torch.float64)
answer = linear_along(inplace(x), inplace(weight), inplace(bias), dim=-2)
wanted = F.conv1d(x, weight[:, :, None], bias)
what = "linear_along(x, weight, bias, dim=-2) for x of shape (6, 3, 5) in float64"
compare(answer, wanted, what, [x, weight, bias], before)
x, weight, bias, before = draw((3, 4), (5, 3), (5,))
answer = linear_along(inplace(x), inplace(weight), inplace(bias), dim=0)
wanted = F.conv1d(x[None], weight[:, :, None], bias)[0]
compare(answer, wanted, "linear_along(x, weight, bias, dim=0) for x of shape (3, 4)", [x, weight, bias], before)
x, weight, bias, before = draw((3,), (3, 3), (3,))
answer = linear_along(inplace(x), inplace(weight), inplace(bias), dim=0)
wanted = F.linear(x, weight, bias)
compare(answer, wanted, "linear_along(x, weight, bias, dim=0) for x of shape (3,)", [x, weight, bias], before)
x, weight, before = draw((2, 3, 4, 2, 5), (6, 3))
answer = linear_along(inplace(x), inplace(weight), None, 1)
wanted = F.conv3d(x, weight[:, :, None, None, None])
compare(answer, wanted, "linear_along(x, weight, None, 1) for x of shape (2, 3, 4, 2, 5)", [x, weight], before)
### BEGIN HIDDEN TESTS
for size, dim in [((3,), -1), ((6, 3), -1), ((3, 6), 0), ((4, 3, 5), -2), ((2, 6, 3, 4, 5), 2), ((2, 3, 5, 4), -3)]:
    for dtype in (torch.float32, torch.float64):
        x, weight, bias, before = draw(size, (2, 3), (2,), dtype=dtype)
        for b in (bias, None):
            wanted = F.linear(x.movedim(dim, -1), weight, b).movedim(-1, dim)
            answer = linear_along(inplace(x), inplace(weight), b, dim)
            what = f"linear_along for x of shape {size}, dim={dim}, {'no' if b is None else 'a'} bias, in {dtype}"
            compare(answer, wanted, what, [x, weight, bias], before)
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
# makes the column sums of the batch, the same for each of the four outputs. Try `batch.sum(dim=0)`.
#
# </details>
#
# ### One number by hand
#
# Back to the shop, now with a layer that does not know the prices. It guesses, the receipts say what was right, and the loss is half the sum of the
# squared errors, $L = \frac12 \sum_{nd} (s_{nd} - t_{nd})^2$. Its gradient is simply the error: $\partial L/\partial s = s - t$. Take the weight
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
# The first order has no cheese, so its error does not affect this weight. The gradient is negative, so more weight on cheese would lower the loss:
# the guessed prices were too low.
#
# ### All at once
#
# The sum over the samples $n$ runs over a dimension that both factors share, so it is a matrix product again. The other two gradients follow in the
# same way:
#
# $$\frac{\partial L}{\partial w} = \left(\frac{\partial L}{\partial s}\right)^{T} x, \qquad
# \frac{\partial L}{\partial x} = \frac{\partial L}{\partial s}\, w, \qquad
# \frac{\partial L}{\partial b_d} = \sum_{n} \frac{\partial L}{\partial s_{nd}} .$$
#
# You need not memorise them. As long as $N$, $C$ and $D$ differ, the shapes leave only one way to multiply the factors (with $C = D$, `w` and `wᵀ`
# would both fit):


# %% folded label="Draw the two products of the backward pass"
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
# Compare this with the forward pass: there the weight is transposed ($x\,w^T$), in the backward pass it is not ($\frac{\partial L}{\partial s}\,w$).
#
# ### Exercise: The backward pass by hand
#
# Write `linear_backward(grad_s, x, weight)`: it receives $\partial L/\partial s$ and what the layer had in the forward pass, and returns the tuple
# `(grad_x, grad_weight, grad_bias)`, in the order of the arguments of `F.linear`. Use torch's matrix operations, without a loop and without
# autograd (no `backward()`, no `torch.autograd.grad`, nothing from `torch.func`). The gradients of the parameters are sums over the batch, not
# means. Leave the arguments as they are. The gradients have their dtype.
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


# %% check="linear_backward" points=3
g = torch.Generator().manual_seed(15)
AUTOGRAD = {"requires_grad_", "_make_dual"}  # what torch.func calls on its way


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def draw(n, c, d, dtype=torch.float32):
    return [torch.randn(size, generator=g, dtype=dtype) for size in [(n, d), (n, c), (d, c)]]


def call(grad_s, x, weight):
    with forbidden("backward", "grad"), Watch(operations=False) as seen:
        answer = linear_backward(inplace(grad_s), inplace(x), inplace(weight))
    must(not AUTOGRAD & set(seen.functions), "without autograd", "Your code has autograd compute the gradients.")
    told = "Nothing comes back: is a `return` missing?" if answer is None else f"Yours is a {type(answer).__name__}."
    must(isinstance(answer, tuple), "linear_backward returns a tuple", told)
    must(len(answer) == 3, "the tuple has three gradients", f"Yours has {len(answer)}.")
    return answer, seen.functions


def compare(grad_s, x, weight, about):
    n, d = grad_s.shape
    copies = [tensor.clone().requires_grad_() for tensor in (x, weight, torch.zeros(d, dtype=x.dtype))]
    wanted_x, wanted_weight, wanted_bias = torch.autograd.grad(F.linear(*copies), copies, grad_s.clone())
    before = [tensor.clone() for tensor in (grad_s, x, weight)]
    answer, _ = call(grad_s, x, weight)
    if not all(map(torch.equal, [grad_s, x, weight], before)):
        expect([grad_s, x, weight], before, "grad_s, x and weight are left as they were")
    close = {"rtol": 1e-4, "atol": 1e-5 if x.dtype == torch.float32 else 1e-10}
    order = {"The order is (grad_x, grad_weight, grad_bias).": wanted_weight} if n > 1 else {}
    if weight.shape[0] == weight.shape[1] > 1:  # only then does the wrong one fit
        order["In the backward pass the weight is not transposed."] = F.linear(grad_s, weight)
    expect(answer[0], wanted_x, f"grad_x {about}", mistakes=order, **close)
    mistakes = {
        "It is transposed: grad_weight has the shape of the weight, (D, C).": wanted_weight.T,
        "This is the mean over the samples, but the sum was asked for.": wanted_weight / n,
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


# Autograd has the last word. A square weight first, because a wrong transpose raises no error there.
for n, c, d in [(6, 4, 4), (7, 5, 3), (1, 3, 2)]:
    compare(*draw(n, c, d), f"for N={n}, C={c}, D={d}, like autograd's")
compare(*draw(5, 2, 6, torch.float64), "for N=5, C=2, D=6 in float64, like autograd's")
_, x, weight = draw(8, 3, 4)
grad_s, x = (
    torch.ones(()).expand(8, 4),
    x.T.contiguous().T,
)  # as `.sum().backward()` hands it over: one number in memory
compare(grad_s, x, weight, "for N=8, C=3, D=4 and ones as grad_s, like autograd's")
(_, few), (_, many) = call(*draw(3, 4, 5)), call(*draw(40, 30, 20))
require(
    len(many) <= len(few) + 5 and not {"tolist", "numpy", "__array__"} & set(many),
    "no loop: torch computes 40 samples in as many steps as 3",
    "Your code goes through the numbers in Python (a loop, `tolist` or NumPy). Matrix products do it all.",
)
### BEGIN HIDDEN TESTS
for n, c, d in [(1, 6, 2), (5, 1, 3), (4, 3, 1), (83, 12, 9), (5, 5, 5)]:
    for dtype in (torch.float32, torch.float64):
        compare(*draw(n, c, d, dtype), f"for N={n}, C={c}, D={d} in {dtype}")
### END HIDDEN TESTS

# %% [markdown]
# ## Two layers in a row
#
# What does a second layer add? Put the first into the second,
#
# $$s = \left(x\,w_1^T + b_1\right) w_2^T + b_2 ,$$
#
# and multiply out: $x$ times one matrix, plus a constant row. So for every pair of linear layers there is **one** layer that computes the same.
#
# ### Exercise: Collapse two layers into one
#
# Write `collapse(first, second)`: it returns a new `nn.Linear` with a bias, such that `collapse(first, second)(x)` equals `second(first(x))` for
# every `x`, up to rounding. Either of the two given layers, or both, may have been made with `bias=False`. The new layer has their dtype, is
# trainable even if the given ones are frozen, and shares no memory with them. Leave the given layers as they are.
#
# <details><summary>Hint 1: multiply out on paper</summary>
#
# In the formula above, which part has a factor $x$? Write it as $x\,w^T$ and remember that $(a\,b)^T = b^T a^T$. The rest is the bias.
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


# %% check="collapse" points=2
g = torch.Generator().manual_seed(16)


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def pair(c, h, d, first_bias=True, second_bias=True, dtype=torch.float32):
    layers = nn.Linear(c, h, first_bias, dtype=dtype), nn.Linear(h, d, second_bias, dtype=dtype)
    with torch.no_grad():
        for parameter in [*layers[0].parameters(), *layers[1].parameters()]:
            parameter.copy_(torch.randn(parameter.shape, generator=g))
    return layers


def collapsed(first, second):
    """The answer, after all that must hold for every pair of layers."""
    given = [*first.parameters(), *second.parameters()]
    before = [(one.detach().clone(), one.requires_grad) for one in given]
    layer = collapse(inplace(first), inplace(second))
    told = f"What comes back is a {type(layer).__name__}."
    told = "Nothing comes back: is a `return` missing?" if layer is None else told
    must(isinstance(layer, nn.Linear), "collapse returns an nn.Linear", told)
    now = [(one.detach(), one.requires_grad) for one in given]
    same = all(torch.equal(a, b) and c == d for (a, c), (b, d) in zip(now, before))
    if not same:
        expect(now, before, "the given layers are left as they were")
    must(layer.bias is not None, "the new layer has a bias", "It has none: was it made with bias=False?")
    must(
        layer.weight.requires_grad and layer.bias.requires_grad,
        "the new layer is trainable",
        "requires_grad is False for its weight or its bias.",
    )
    return layer


def compare(first, second, about):
    x = torch.randn(6, first.in_features, generator=g, dtype=first.weight.dtype)
    wanted = second(first(x)).detach()
    layer = collapsed(first, second)
    sizes = [x.shape[1], wanted.shape[1]]
    if [layer.in_features, layer.out_features] != sizes:
        expect([layer.in_features, layer.out_features], sizes, f"in_features and out_features {about}")
    y = layer(x)
    close = {"rtol": 1e-4, "atol": 1e-4} if x.dtype == torch.float32 else {"rtol": 1e-9, "atol": 1e-9}
    expect(y.detach(), wanted, f"collapse(first, second)(x) {about}", **close)
    given = [*first.parameters(), *second.parameters()]
    y.sum().backward()
    reached = layer.weight.grad is not None and layer.bias.grad is not None
    told = "They stop on the way: write the values under torch.no_grad(), into nn.Parameters of the new layer."
    must(reached, "gradients reach the weight and the bias of the new layer", told)
    told = "The new layer still depends on the given ones: use their values, not their parameters."
    must(all(one.grad is None for one in given), "no gradient reaches the given layers", told)
    with torch.no_grad():
        for one in given:
            one.zero_()
    told = "When the given layers were overwritten, the new one changed with them."
    must(torch.equal(layer(x).detach(), y.detach()), "the new layer shares no memory with the given ones", told)


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
for c, h, d, one, two in [
    (3, 7, 5, True, True),
    (6, 2, 5, False, True),
    (4, 3, 2, True, False),
    (2, 5, 3, False, False),
]:
    about = f"for {c} → {h} → {d}, with bias={one} and bias={two}"
    compare(*pair(c, h, d, one, two), about)
compare(*pair(5, 4, 3, dtype=torch.float64), "for 5 → 4 → 3 in float64")
first, second = pair(3, 2, 4)
compare(first.requires_grad_(False), second.requires_grad_(False), "for 3 → 2 → 4, both layers frozen")
### BEGIN HIDDEN TESTS
for dtype in (torch.float32, torch.float64):
    for one, two in [(True, True), (True, False), (False, True), (False, False)]:
        about = f"for 5 → 8 → 2 in {dtype}, with bias={one} and bias={two}"
        compare(*pair(5, 8, 2, one, two, dtype), about)
        first, second = pair(4, 1, 4, one, two, dtype)
        compare(first.requires_grad_(False), second, f"for 4 → 1 → 4 in {dtype}, the first layer frozen")
### END HIDDEN TESTS


# %% yours folded label="Your function, or the course's own version"
def weight_only(first, second):
    """A layer with the weight that does the work of two: the derivative of their outputs. Its bias is of no use."""
    layer = nn.Linear(first.in_features, second.out_features)
    x = torch.zeros(first.in_features)
    layer.weight.data = torch.autograd.functional.jacobian(lambda x: second(first(x)), x)
    return layer


to_one = usable(collapse, weight_only, nn.Linear(10, 3), nn.Linear(3, 4))

# %% [markdown]
# ### How wide must the middle be?
#
# **Before you run it:** `nn.Linear(10, 4)` has 44 parameters. With 100 units in the middle, 10 → 100 → 4, the pair has 1,504. With 2 units, 10 → 2
# → 4, it has 34. Which of the two pairs can compute *every* map that the single layer can? Your `collapse` makes one layer of each pair, and the
# cell prints the rank of its weight.

# %% predict
torch.manual_seed(0)
for middle in (100, 4, 2):
    weight = to_one(nn.Linear(10, middle), nn.Linear(middle, 4)).weight.detach()
    rank = torch.linalg.matrix_rank(weight, rtol=1e-4).item()
    print(f"10 → {middle:3} → 4: weight {tuple(weight.shape)}, rank {rank}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The wide pair can, but it needs 1,504 parameters for what the single layer does with 44. The narrow pair computes *fewer* maps: a product of a 4×2
# and a 2×10 matrix has rank 2 at most, while a 4×10 matrix may have rank 4. Such a weight is called **low rank**. (That is useful where parameters
# are expensive: 1000 → 10 → 1000 has 21,010 parameters, a full layer has 1,001,000.)
#
# </details>
#
# ### A ReLU in between
#
# To compute more than one layer can, a network puts a nonlinear function between its linear layers. Here is a net with one input, 8 units and one
# output, all parameters drawn at random.
#
# **Before you run it:** the output is drawn against the input. What does the curve look like? How many bends does it have at most?

# %% predict
torch.manual_seed(5)
one, two = nn.Linear(1, 8), nn.Linear(8, 1)
line = torch.linspace(-1, 2, 301)[:, None]
with torch.no_grad():
    curve = two(F.relu(one(line)))
    bends = -one.bias / one.weight[:, 0]
print("bends at x =", " ".join(f"{x:.2f}" for x in bends.sort().values))

# %% predict folded label="Draw the output against the input"
figure, ax = plot_axes(6.0, 3.0)
with torch.no_grad():
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
# Straight pieces with 8 bends, at most one for each unit: a unit changes the slope where its own input crosses 0. Without the ReLU the pair would
# be one linear layer, and the curve one straight line.
#
# </details>
#
# ### Back through two layers
#
# With a ReLU in between, two layers can't be collapsed, and the backward pass has to go through all three steps. Each step receives the gradient of
# its output and passes on the gradient of its input. Layer 2 passes on its $\partial L/\partial x$. Its input was $h$, so this is $\partial
# L/\partial h$:
#
# $$\frac{\partial L}{\partial h} = \frac{\partial L}{\partial s_2}\, w_2 .$$
#
# The ReLU passes the gradient on where its own input was greater than 0, and passes 0 elsewhere, also where its input was exactly 0. What comes out,
# $\partial L/\partial s_1$, is all that layer 1 needs.


# %% folded label="Draw the forward and the backward pass"
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
# The network is $s_1 = x\,w_1^T + b_1$, $h = \mathrm{relu}(s_1)$, $s_2 = h\,w_2^T + b_2$. Write `two_layer_backward(x, w1, b1, w2, grad_s2)`: it
# receives $\partial L/\partial s_2$ and returns the tuple `(grad_w1, grad_b1, grad_w2, grad_b2)`, sums over the batch. Compute $s_1$ and $h$ again
# inside the function. Use torch's matrix operations, without a loop and without autograd (no `backward()`, no `torch.autograd.grad`, nothing from
# `torch.func`). Leave the arguments as they are. The gradients have their dtype. Write the products out here: don't call your `linear_backward`, so
# that this exercise doesn't depend on that one.
#
# `b2` is not an argument. Can you say why before you begin?
#
# <details><summary>Why b2 is not needed</summary>
#
# $b_2$ is only added, so the slope of $s_2$ with respect to $h$, $w_2$ or $b_2$ itself does not contain it. It does change the values of $s_2$ and
# with them the loss, but that effect is already in $\partial L/\partial s_2$. For the same reason `linear_backward` takes no bias. $b_1$ is needed:
# it decides where the ReLU lets anything through.
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
# Multiply by 1 where $s_1 > 0$ and by 0 elsewhere. A comparison gives a tensor of booleans, and you can multiply numbers by booleans.
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
AUTOGRAD = {"requires_grad_", "_make_dual"}  # what torch.func calls on its way


def must(condition, what, otherwise):
    """As require, but silent if all is well."""
    if not condition:
        require(False, what, otherwise)


def draw(n, c, h, d, dtype=torch.float32):
    return [torch.randn(size, generator=g, dtype=dtype) for size in [(n, c), (h, c), (h,), (d, h), (n, d)]]


def gradients(relu, x, w1, b1, w2, grad_s2):
    """What autograd makes of the network, with this function in place of the ReLU."""
    leaves = [tensor.clone().requires_grad_() for tensor in (w1, b1, w2, w2.new_zeros(len(w2)))]
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


def call(arguments):
    with forbidden("backward", "grad"), Watch(operations=False) as seen:
        answer = two_layer_backward(*map(inplace, arguments))
    must(not AUTOGRAD & set(seen.functions), "without autograd", "Your code has autograd compute the gradients.")
    told = "Nothing comes back: is a `return` missing?" if answer is None else f"Yours is a {type(answer).__name__}."
    must(isinstance(answer, tuple), "two_layer_backward returns a tuple", told)
    must(len(answer) == 4, "the tuple has four gradients", f"Yours has {len(answer)}.")
    return answer, seen.functions


def compare(arguments, about, named=False):
    n, double = len(arguments[0]), arguments[0].dtype == torch.float64
    wanted, before = gradients(F.relu, *arguments), [one.clone() for one in arguments]
    answer, _ = call(arguments)
    if not all(map(torch.equal, arguments, before)):
        expect(list(arguments), before, "the arguments are left as they were")
    shapes = [str(tuple(one.shape)) for one in wanted]
    order = {"The order is (grad_w1, grad_b1, grad_w2, grad_b2).": [*shapes[2:], *shapes[:2]]} if named else {}
    theirs = [str(tuple(getattr(one, "shape", "no tensor"))) for one in answer]
    if theirs != shapes:
        expect(theirs, shapes, f"the shapes of the four gradients {about}", mistakes=order)
    wrong = {
        "This is the mean over the samples, but the sum was asked for.": [one / n for one in wanted],
        "The input of layer 2 is h, after the ReLU, not s₁.": gradients(lambda s1: s1, *arguments),
        "The ReLU is missing in the backward pass: where s₁ ≤ 0 nothing passes.": gradients(open_relu, *arguments),
        "Look at the sign of s₁, the ReLU's input, not at the sign of the gradient.": gradients(
            relu_of_gradient, *arguments
        ),
        "The gradient is multiplied by h, but the ReLU's slope is 1 or 0.": gradients(times_h, *arguments),
    }
    names = ["grad_w1", "grad_b1", "grad_w2", "grad_b2"]
    known = {"grad_w1": [0, 2, 3, 4], "grad_b1": [0, 2, 3, 4], "grad_w2": [0, 1], "grad_b2": [0]}
    close = {"rtol": 1e-4, "atol": 1e-9 if double else 1e-4}
    for i in (2, 3, 0, 1):
        texts = [list(wrong)[k] for k in known[names[i]]] if named else []
        mistakes = {text: wrong[text][i] for text in texts}
        expect(answer[i], wanted[i], f"{names[i]} {about}", mistakes=mistakes, **close)


compare(draw(9, 4, 6, 3), "for N=9, C=4, H=6, D=3, like autograd's", named=True)
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
answer, _ = call(arguments)
wanted = gradients(F.relu, *arguments)
at_zero = gradients(lambda s1: torch.where(s1 >= 0, s1, 0), *arguments)
expect(
    list(answer[:2]),
    list(wanted[:2]),
    "grad_w1 and grad_b1 where s₁ is exactly 0 in some places, like autograd's",
    mistakes={"Where s₁ is exactly 0, nothing passes.": list(at_zero[:2])},
)
compare(arguments, "where s₁ is exactly 0 in some places, like autograd's")
x, w1, b1, w2, grad_s2 = draw(8, 2, 5, 3, torch.float64)
b1[0] = -100.0
compare([x, w1, b1, w2, grad_s2], "for N=8, C=2, H=5, D=3 in float64, one unit dead, like autograd's")
x, w1, b1, w2, _ = draw(6, 3, 4, 2)
grad_s2, w1 = torch.ones(()).expand(6, 2), w1.T.contiguous().T  # one number in memory, as `.sum().backward()` has it
compare([x, w1, b1, w2, grad_s2], "for N=6, C=3, H=4, D=2 and ones as grad_s2, like autograd's")
compare(draw(1, 3, 2, 4), "for N=1, C=3, H=2, D=4, like autograd's")
(_, few), (_, many) = call(draw(3, 4, 5, 6)), call(draw(40, 30, 20, 25))
require(
    len(many) <= len(few) + 5 and not {"tolist", "numpy", "__array__"} & set(many),
    "no loop: torch computes 40 samples in as many steps as 3",
    "Your code goes through the numbers in Python (a loop, `tolist` or NumPy). Matrix products do it all.",
)
### BEGIN HIDDEN TESTS
for n, c, h, d in [(1, 3, 5, 2), (8, 1, 4, 6), (40, 7, 11, 1), (4, 4, 4, 4)]:
    for dtype in (torch.float32, torch.float64):
        x, w1, b1, w2, grad_s2 = draw(n, c, h, d, dtype)
        b1[0] = -100.0  # a dead unit
        w1[1], b1[1] = 0.0, 0.0  # a unit whose s₁ is exactly 0
        compare([x, w1, b1, w2, grad_s2], f"for N={n}, C={c}, H={h}, D={d} in {dtype}")
### END HIDDEN TESTS

# %% [markdown]
# ## Your gradients at work: reading digits
#
# You now have all the parts of a network that learns: initial values, a forward pass and a backward pass. Train it on 1,438 handwritten digits of
# 8×8 pixels, 64 → 32 → 10. The target for each image is 1 for the right digit and 0 for the other nine, and the loss is half the squared error,
# averaged over the images. So $\partial L/\partial s_2$ is the error divided by $N$. In each step, every parameter moves a little against its
# gradient.
#
# `start` is your `initial_values` and `backward` your `two_layer_backward`. As long as one of them is not solved, the course's own version stands in.


# %% yours folded label="Your functions, or the course's own versions"
def autograd_backward(x, w1, b1, w2, grad_s2):
    leaves = [one.detach().clone().requires_grad_() for one in (w1, b1, w2, torch.zeros(len(w2)))]
    with torch.enable_grad():
        s2 = F.linear(F.relu(F.linear(x, *leaves[:2])), *leaves[2:])
        return torch.autograd.grad(s2, leaves, grad_s2)


def layer_values(in_features, out_features):
    layer = nn.Linear(in_features, out_features)
    return layer.weight, layer.bias


start = usable(initial_values, layer_values, 64, 32)
example = torch.ones(5, 3), torch.ones(4, 3), torch.ones(4), torch.ones(2, 4), torch.ones(5, 2)
backward = usable(two_layer_backward, autograd_backward, *example)

# %% yours varies
images, labels = load_digits()
pixels, targets = images.flatten(1) / 16, F.one_hot(labels, 10).float()
held_back = torch.arange(len(labels)) % 5 == 4  # every fifth image is for testing
x, t = pixels[~held_back], targets[~held_back]

torch.manual_seed(0)
w1, b1, w2, b2 = (one.detach().clone() for size in [(64, 32), (32, 10)] for one in start(*size))
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
# These images were never used in training. Look at the wrong ones: would you have read them?
#
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. Which parameters does <code>nn.Linear(784, 200)</code> have: shapes, count, and the bounds of their initial values?</summary>
#
# The weight is 200×784 and the bias has 200 entries: together 200 · (784 + 1) = 157,000 numbers. They start between −1/√784 and 1/√784, that is ±1/28 ≈
# ±0.0357.
#
# </details>
#
# <details><summary>2. You get ∂L/∂s, N×D. Which products give the gradients of weight and input? Why is the bias gradient a sum?</summary>
#
# $\partial L/\partial w = (\partial L/\partial s)^T x$ is D×C, and $\partial L/\partial x = (\partial L/\partial s)\,w$ is N×C. The bias is added
# once in every sample, so every sample contributes to its gradient, and the contributions add up.
#
# </details>
#
# <details><summary>3. 32 images of 28×28 go into <code>nn.Linear(28, 10)</code> without an error. What comes out, and what was meant?</summary>
#
# 32×28×10: the layer maps the last dimension, so each row of pixels by itself. Probably one vector of 10 per image was meant: `nn.Linear(784, 10)` on
# `images.flatten(1)`.
#
# </details>
#
# **Next**: `05_mse_loss`. The network above needed a number that says how wrong its outputs are. `05_mse_loss` shows where this number comes from,
# which choices there are, and how PyTorch's modules and optimizers do what you did here by hand.
