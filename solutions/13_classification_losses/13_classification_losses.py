# %% [markdown]
# # Losses for classification
#
# A classifier answers with probabilities. This notebook is about the loss that judges them: cross-entropy, the forms in which PyTorch offers it,
# and the arithmetic that keeps it from overflowing.
#
# After this notebook you can
#
# - measure surprise, entropy and cross-entropy in bits;
# - explain why classifiers are trained with cross-entropy and not with squared error;
# - choose between `BCELoss` and `BCEWithLogitsLoss`, `NLLLoss` and `CrossEntropyLoss`, and give each the input that it expects;
# - write a log-softmax that does not overflow, and the gradient of cross-entropy;
# - use class weights, `ignore_index` and label smoothing;
# - compare two distributions with `KLDivLoss`, and choose the right `reduction`.
#
# **Points**: 17. **Time**: about 50 minutes of reading and 65 minutes for the 8 exercises. **You need**: broadcasting and indexing (`01_tensors`);
# `backward()` (`02_gradients_and_optimizers`); `nn.Linear` (`04_linear`); losses, `reduction` and training on digits (`05_mse_loss`); what
# a module registers (`10_modules`, `11_inside_module`); logarithms.
#
# The check below each exercise tests what its text asks for. The grader tests the same things with other values.
#
# Unless an exercise says otherwise, tensors are on the CPU and hold at least one element, and their values are finite. An
# argument that must not be changed keeps its values, shape and dtype. A later call never changes an earlier result.
# With float64 inputs, compute in float64 throughout: no digits may be lost on the way.

# %% setup

# %% [markdown]
# ## Surprise, counted in bits
#
# A weather station reports one of four words a day. Sun comes on half of the days, clouds on a quarter, rain and snow on an eighth each. You
# want to send the reports as bits, 0 or 1, using as few as possible. So you give frequent words short codes:
#
# | word | probability $p$ | code | length |
# |---|---|---|---|
# | sun | 1/2 | `0` | 1 |
# | clouds | 1/4 | `10` | 2 |
# | rain | 1/8 | `110` | 3 |
# | snow | 1/8 | `111` | 3 |
#
# The length is $\log_2 \frac1p$. This number is the **surprise** of an event with probability $p$: sun is a surprise of 1 bit, snow of 3, and a certain event of 0.
# The average surprise is the **entropy** of the distribution $P$:
#
# $$H(P) = \sum_i p_i \log_2 \frac{1}{p_i}.$$

# %%
p = torch.tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8])  # sun, clouds, rain, snow
surprise = (1 / p).log2()
print("surprise of each word:", surprise.tolist())
print("entropy:", (p * surprise).sum().item(), "bits a day")

# %% [markdown]
# You move to another town. Its weather has the same distribution $P$, but its station uses a code made for a different distribution
# $Q$, so a word has the length $\log_2 \frac{1}{q}$. How often the word comes still depends on $P$. The average
# length is the **cross-entropy** of $P$ and $Q$:
#
# $$H(P, Q) = \sum_i p_i \log_2 \frac{1}{q_i}.$$
#
# **Before you run it:** how many bits a day does each of the three codes take?

# %% predict
codes = {
    "made for P": p,
    "equal lengths": torch.tensor([1 / 4, 1 / 4, 1 / 4, 1 / 4]),
    "made for snow": torch.tensor([1 / 8, 1 / 8, 1 / 4, 1 / 2]),
}
for name, q in codes.items():
    print(f"{name:15}  {(p * (1 / q).log2()).sum().item():.3f} bits a day")

# %% predict folded label="Draw the cross-entropies as areas"
figure, axes = plt.subplots(3, 1, figsize=(5.4, 7.4), sharex=True, layout="constrained")
edges = [0.0, *p.cumsum(0).tolist()]
for ax, (name, q) in zip(axes, codes.items()):
    for left, width, code, own in zip(edges, p.tolist(), (1 / q).log2().tolist(), surprise.tolist()):
        colour = COLOURS["loss"]
        ax.add_artist(plt.Rectangle((left, 0), width, code, fc=(colour, 0.3), ec=colour, lw=1.5))
        ax.plot([left, left + width], [own, own], color=INK, lw=2.5, ls="--")
    ax.set(xlim=(0, 1), ylim=(0, 3.4), yticks=[0, 1, 2, 3], ylabel="bits")
    ax.set_title(f"{name}: area {(p * (1 / q).log2()).sum().item():.3f}", fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=11)
centres = (p.cumsum(0) - p / 2).tolist()
axes[-1].set_xticks(centres, ["sun", "clouds", "rain", "snow"], fontsize=11)
axes[-1].set_xlabel("width: how often the word comes", fontsize=11)
axes[0].plot([], [], color=INK, lw=2.5, ls="--", label="length in the best code")
axes[0].legend(frameon=False, loc="upper left", fontsize=11)
show(
    figure,
    alt="Three panels with four bars each, for sun, clouds, rain and snow. A bar's width is the word's probability, its height the length of"
    " its code. The code made for P: heights 1, 2, 3, 3, area 1.75. Equal lengths: all heights 2, area 2. Made for snow: heights 3, 3, 2, 1,"
    " area 2.625. Dashed lines mark the lengths in the best code.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# They take 1.75, 2 and 2.625 bits. Each bar is as wide as its word is frequent and as high as its code is long, so the area is the average length. The code
# made for $P$ takes $H(P, P) = H(P)$ bits, and no other takes fewer. The more $Q$ differs from $P$, the more bits are wasted.
#
# </details>
#
# ### A classifier's surprise
#
# Now let $P$ be the truth about an image and $Q$ a model's answer. The truth is certain: with the classes cat, dog and horse, and an image of a cat,
# $P = (1, 0, 0)$. Here are three answers. The Python below follows the formula literally.
#
# **Before you run it:** what does the formula give on paper for each answer? And what will Python print?

# %% predict
truth = torch.tensor([1.0, 0.0, 0.0])
for answer in [(0.8, 0.1, 0.1), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)]:
    q = torch.tensor(answer)
    print(answer, "→", f"{(truth * (1 / q).log2()).sum().item():.2f} bits")

# %% [markdown]
# <details><summary>Why?</summary>
#
# On paper:
#
# - $\log_2 \frac{1}{0.8} = 0.32$ bits. Only the right class counts, because the others are multiplied by 0.
# - The model gives the truth the probability 0: an infinite surprise.
# - Truth and answer agree: $\log_2 \frac11 = 0$ bits.
#
# Python prints `nan` for the second and the third answer. Where $p_i = q_i = 0$ it computes $0 \cdot \infty$, which is not a number (`nan`). On paper such a term is
# 0: an event that never occurs adds nothing, however long its code is ($p \log_2 \frac1p \to 0$ as $p \to 0$).
#
# </details>
#
# ### Exercise: Cross-entropy in bits
#
# Write `cross_entropy_bits(p, q)`: the cross-entropy $H(P, Q)$ in bits of each row.
#
# - `p` and `q` are float32 or float64, of the same shape `(C,)` or `(N, C)` and the same dtype. Each row holds the probabilities of $C$ classes, which
#   are at least 0 and add up to 1. Either may be a transposed or strided view. Neither is changed.
# - Where $p_i = 0$, the term is 0, even if $q_i = 0$ as well. If $p_i > 0$ and $q_i = 0$ anywhere in a row, the result of that row is infinite.
# - The result has the shape `()` or `(N,)` and the dtype of `p`.
#
# <details><summary>Hint 1: where the trouble is</summary>
#
# Only $p_i = 0$ needs care. You can choose the terms with `torch.where(condition, this, that)`: what is not chosen may be `nan`. Or look up
# `torch.xlogy`.
#
# </details>
#
# <details><summary>Hint 2: one number for each row</summary>
#
# For the shapes `(C,)` and `(N, C)` alike, the classes are in the last dimension: `dim=-1`.
#
# </details>


# %% exercise="cross_entropy_bits" difficulty=1 minutes=6
def cross_entropy_bits(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """The cross-entropy of each row, in bits.

    p, q: (C,) or (N, C), float; rows of probabilities. Returns: () or (N,).
    """
    ### BEGIN SOLUTION
    bits = -p * q.log2()
    return torch.where(p > 0, bits, torch.zeros_like(p)).sum(dim=-1)
    ### END SOLUTION


# %% check="cross_entropy_bits" points=2
g = torch.Generator().manual_seed(101)


def attempt(p, q):
    """One call; what it did to its arguments is looked at first."""
    kept = [p.clone(), q.clone()]
    answer = cross_entropy_bits(inplace(p), inplace(q))
    for name, now, before in zip("pq", (p, q), kept):
        if not torch.equal(now, before):
            advice = "Your code writes into it: make a new tensor."
            require(False, f"the call does not change {name} of shape {tuple(before.shape)}", advice)
    return answer


p, q = torch.tensor([0.5, 0.25, 0.125, 0.125]), torch.tensor([0.25, 0.125, 0.5, 0.125])
first = attempt(p, q)
expect(
    first,
    torch.tensor(2.25),
    "H(P, Q) for P = (1/2, 1/4, 1/8, 1/8) and Q = (1/4, 1/8, 1/2, 1/8)",
    mistakes={
        "You used the natural logarithm: bits need log2.": torch.tensor(1.5595811),
        "You used log10: bits need log2.": torch.tensor(0.6773175),
        "The sign is wrong: the logarithm is that of 1/q.": torch.tensor(-2.25),
        "P and Q are swapped: P says how often, Q how long.": torch.tensor(2.375),
        "This is the entropy: the logarithm must be that of q.": torch.tensor(1.75),
        "You took the mean over the classes: add the terms up.": torch.tensor(0.5625),
        "You subtracted the entropy of P: leave it in.": torch.tensor(0.5),
        "These are the terms: add them up.": torch.tensor([1.0, 0.75, 0.125, 0.375]),
        "The value is right, but keepdim=True has left a dimension of size 1: leave it out.": torch.tensor([2.25]),
        "The value is right, but it is a Python number: return the tensor (no .item()).": 2.25,
    },
)
p = torch.tensor([[1.0, 0, 0], [1, 0, 0], [1, 0, 0]])
q = torch.tensor([[0.8, 0.1, 0.1], [0, 1, 0], [1, 0, 0]])
answer = attempt(p, q)
if isinstance(answer, torch.Tensor) and answer.shape == (3,) and 1 < float(answer[1]) < 1e6:
    advice = "A small number was added to q, or q was clamped: change only the terms with p = 0."
    require(False, "the result is infinite where the truth has the probability 0", advice)
expect(
    answer,
    torch.tensor([0.3219281, float("inf"), 0.0]),
    "H(P, Q) of three rows with P = (1, 0, 0) and Q = (0.8, 0.1, 0.1), (0, 1, 0), (1, 0, 0)",
    mistakes={
        "0 · ∞ is nan: choose 0 for the terms in which p is 0.": torch.tensor([0.3219281, math.nan, math.nan]),
        "The second row is infinite: only the terms with p = 0 may be set to 0.": torch.tensor([0.3219281, 0.0, 0.0]),
        "You added up all rows: keep one number for each row.": torch.tensor(float("inf")),
        "`nan_to_num` replaces ∞ as well: pass `posinf=math.inf`, or choose the terms with torch.where.": torch.tensor(
            [0.3219281, torch.finfo(torch.float32).max, 0.0]
        ),
        "You added up over the samples: add up over the classes, the last dimension.": torch.tensor([math.inf, 0, 0]),
    },
)
p = torch.tensor([[1e-7, 1 - 1e-7, 0], [1, 0, 0], [0, 0.5, 0.5]])
q = torch.tensor([[0, 1.0, 0], [1e-9, 1 - 1e-9, 0], [0, 0, 1]])
expect(
    attempt(p, q),
    torch.tensor([math.inf, 29.897353, math.inf]),
    "rows with p = 1e-7 where q = 0, with q = 1e-9, and with two zeros in q",
    mistakes={
        "p = 1e-7 was taken for 0: only where p is exactly 0 is the term 0.": torch.tensor([0, 29.897353, math.inf]),
        "q = 1e-9 was clamped: use q as it is.": torch.tensor([math.inf, 19.931568, math.inf]),
        "The last row is infinite: look at each of its zeros in q, not only at the first.": torch.tensor(
            [math.inf, 29.897353, 0]
        ),
    },
)


def try_many(seed, sizes):
    """Rows of random probabilities: some with zeros, some infinite, in several layouts."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for number, shape in enumerate(sizes):
        dtype = torch.float64 if number % 3 == 1 else torch.float32
        p, q = ((0.1 + torch.rand(shape, generator=g, dtype=torch.float64)) ** 3 for _ in range(2))
        if shape[-1] > 2:
            p[..., number % shape[-1]] = 0.0
        p, q = p / p.sum(-1, keepdim=True), q / q.sum(-1, keepdim=True)
        rows = F.cross_entropy(q.log().reshape(-1, shape[-1]), p.reshape(-1, shape[-1]), reduction="none")
        right = (rows / math.log(2)).reshape(shape[:-1])
        if number % 4 == 3:  # an event that neither expects
            p, q = (F.pad(t, (1, 0)) for t in (p, q))
        if number % 4 == 2:  # an event that happens, and that Q rules out
            p, q = torch.cat([p / 2, torch.full_like(p[..., :1], 0.5)], -1), F.pad(q, (0, 1))
            right = torch.full_like(right, float("inf"))
        p, q, what = p.to(dtype), q.to(dtype), f"p and q of shape {tuple(p.shape)}, {dtype}"
        if p.dim() == 2 and number % 2:
            p, q, what = p.t().contiguous().t(), torch.stack([q, q], -1)[..., 0], f"{what}, not contiguous"
        answers[what], wanted[what] = attempt(p, q), right.to(dtype)
    for dtype, tolerance in {torch.float32: 1e-4, torch.float64: 1e-9}.items():
        keys = [key for key in wanted if wanted[key].dtype == dtype]
        mine, right = ({key: store[key] for key in keys} for store in (answers, wanted))
        what = f"H(P, Q) for {len(keys)} more inputs of other shapes and dtypes, in {str(dtype)[6:]}"
        expect(mine, right, what, rtol=tolerance, atol=tolerance / 10)


shapes = [(3,), (5, 3), (4, 4), (1, 6), (2, 1), (7,), (3, 2), (30, 5), (2000, 4), (1,), (4, 3), (6, 8), (4,)]
try_many(102, shapes)
expect(first, torch.tensor(2.25), "the first result, after all other calls")
### BEGIN HIDDEN TESTS
try_many(103, [(2,), (3, 5), (5, 5), (1, 4), (9,), (1, 1), (8, 2), (20, 3), (1500, 6), (4,), (2, 9), (5, 3)])
expect(
    attempt(torch.tensor([[0.0, 1.0]]), torch.tensor([[0.75, 0.25]])), torch.tensor([2.0]), "H of (0, 1) and (3/4, 1/4)"
)
### END HIDDEN TESTS

# %% [markdown]
# ### Your function on the three answers


# %% folded label="What stands in for an unsolved exercise"
def course_bits(p, q):
    return -torch.xlogy(p, q).sum(-1) / math.log(2)


# %% yours
bits_of = yours_or_ours(cross_entropy_bits, course_bits, torch.eye(3), torch.full((3, 3), 1 / 3))

three_answers = torch.tensor([[0.8, 0.1, 0.1], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
for numbers, length in zip(three_answers.tolist(), bits_of(truth.expand(3, 3), three_answers).tolist()):
    print([round(number, 1) for number in numbers], f"→ {length + 0.0:.2f} bits")

# %% [markdown]
# ## Why not squared error?
#
# In `05_mse_loss` you trained a classifier with squared error, and it worked. Since `07_convolution` the loss for classes has been cross-entropy. Why?
#
# Take the smallest classifier: two classes, 0 and 1, and one number $z$, the logit. The **sigmoid** turns the logit into the probability
# of class 1:
#
# $$q = \sigma(z) = \frac{1}{1 + e^{-z}}, \qquad \sigma'(z) = q\,(1 - q).$$
#
# For a target $y$ of 0 or 1 we compare two losses. With two classes, cross-entropy has two terms, and it is then called *binary* cross-entropy. PyTorch uses the natural logarithm, so its
# unit is the **nat** instead of the bit: 1 nat = 1/ln 2 ≈ 1.44 bits.
#
# $$\text{squared error: } (q - y)^2, \qquad \text{cross-entropy: } y \ln\frac1q + (1 - y) \ln\frac{1}{1 - q}.$$
#
# The truth is $y = 1$. All that `backward()` passes on to the network is the slope of the loss at the logit.
#
# **Before you run it:** for each loss, at which of the five logits in the cell is the slope steepest? And how steep is it at −8, where the
# model is badly wrong?


# %% predict
def squared_error(z, y):
    return (torch.sigmoid(z) - y) ** 2


def cross_entropy(z, y):
    q = torch.sigmoid(z)
    return -(y * q.log() + (1 - y) * (1 - q).log())


print("logit       q   slope: squared error   cross-entropy")
for logit in [-8.0, -4.0, -1.0, 0.0, 4.0]:
    slopes = []
    for loss in [squared_error, cross_entropy]:
        z = torch.tensor(logit, requires_grad=True)
        loss(z, torch.tensor(1.0)).backward()
        slopes.append(z.grad.item())
    print(f"{logit:5.0f}  {torch.sigmoid(z).item():.4f}  {slopes[0]:21.4f}  {slopes[1]:14.4f}")

# %% predict folded label="Draw both losses and their slopes"
z = torch.linspace(-8, 8, 321, dtype=torch.float64, requires_grad=True)
figure, axes = plt.subplots(2, 1, figsize=(5.6, 6.4), sharex=True, layout="constrained")
for loss, name, style in [(cross_entropy, "cross-entropy", "-"), (squared_error, "squared error", "--")]:
    values = loss(z, 1.0)
    (slope,) = torch.autograd.grad(values.sum(), z)
    axes[0].plot(z.detach(), values.detach(), style, color=COLOURS["loss"], lw=2.5, label=name)
    axes[1].plot(z.detach(), slope, style, color=COLOURS["loss"], lw=2.5, label=name)
axes[0].set_ylabel("loss", fontsize=12)
axes[1].set_ylabel("slope", fontsize=12)
axes[1].set_xlabel("logit z (the truth is 1)", fontsize=12)
axes[1].axvspan(-8, -4, color=INK, alpha=0.08)
axes[1].text(-6, -0.4, "badly wrong:\nsquared error\nhardly pulls", ha="center", va="center", fontsize=11, color=INK)
axes[0].legend(frameon=False, fontsize=12)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    ax.tick_params(labelsize=11)
show(
    figure,
    alt="Two panels over the logit from −8 to 8, the truth is 1. Above, the losses: cross-entropy falls in a straight line from 8 to 0 and"
    " flattens out after 0; squared error stays near 1 for negative logits, falls around 0, and is near 0 after that. Below, the slopes: that of cross-entropy is"
    " near −1 for negative logits and rises to 0; that of squared error is near 0 on both sides, with a dip to −0.3 at about −0.7.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# Cross-entropy is steepest where the model is most wrong: the slope at −8 is −0.9997. Of the five logits, squared error is steepest at −1 (the dip is at about −0.7). At −8 its slope is −0.0007: almost no pull,
# although the loss is nearly as large as it can be.
#
# The chain rule shows where the pull goes. For squared error it keeps the factor $\sigma'(z) = q(1-q)$, which is tiny when $q$ is near 0 *or*
# 1. For cross-entropy that factor cancels:
#
# $$\frac{\partial (q-y)^2}{\partial z} = 2\,(q - y)\, q\,(1 - q), \qquad \frac{\partial\,\text{cross-entropy}}{\partial z} = q - y.$$
#
# In regression, 1.2 for 1 is an error like any other. In classification what counts is which side you are on,
# and a loss should shout when you are on the wrong one.
#
# </details>
#
# ### Four training runs
#
# Someone has swapped the labels of the digits 3 and 8, and a linear classifier has been trained on them, for 1000 steps. Now the labels are corrected, and we train on. The model
# is wrong and sure of it. From this one start we train it four times: once with cross-entropy, and with squared error at three learning rates.

# %%
images, labels = load_digits()
pair = (labels == 3) | (labels == 8)
x = images[pair].flatten(1).double() / 16  # (357, 64)
y = (labels[pair] == 8).double()[:, None]  # (357, 1): 1 for an eight, 0 for a three


def train_pair(loss, targets, steps, lr, start=None):
    """Full-batch SGD on one logit per image; the layer, and the accuracy before each step and after the last."""
    torch.manual_seed(0)
    layer = nn.Linear(64, 1).double()
    if start is not None:
        layer.load_state_dict(start.state_dict())
    optimizer, accuracy = torch.optim.SGD(layer.parameters(), lr=lr), []
    for step in range(steps + 1):
        z = layer(x)
        accuracy.append(((z > 0) == (y == 1)).double().mean().item())
        if step < steps:
            optimizer.zero_grad()
            loss(z, targets).mean().backward()
            optimizer.step()
    return layer, accuracy


misled, _ = train_pair(cross_entropy, 1 - y, steps=1000, lr=1.0)

# %% [markdown]
# **Before you run it:** all four runs start with an accuracy of 0 %. Which of them recover? Does a larger learning rate help squared error?

# %% predict
runs = {}
for name, loss, lr in [
    ("cross-entropy", cross_entropy, 0.5),
    ("squared error", squared_error, 0.5),
    ("squared error", squared_error, 5.0),
    ("squared error", squared_error, 20.0),
]:
    _, runs[f"{name}, lr {lr}"] = train_pair(loss, y, 300, lr, start=misled)
for name, accuracy in runs.items():
    print(f"{name:22}", *(f"step {step}: {accuracy[step]:5.1%}  " for step in (0, 100, 300)))

# %% predict folded label="Draw the runs side by side"
panels = []
for title, names in [("cross-entropy", list(runs)[:1]), ("squared error", list(runs)[1:])]:
    figure, ax = plot_axes(4.2, 3.6)
    for name, style in zip(names, ["-", "--", ":"]):
        ax.plot(runs[name], style, color=COLOURS["output"], lw=2.5, label=name.split(", ")[1])
    ax.set(xlabel="step", ylim=(-0.02, 1.02), title=title)
    ax.set_ylabel("accuracy")
    ax.legend(frameon=False, loc="lower right")
    panels.append(picture(figure, f"The accuracy over 300 steps with {title}."))
alt = (
    "Two panels: the accuracy on threes and eights over 300 steps, from the same misled start at 0. Left, with cross-entropy, it rises"
    " to more than 0.8 within 50 steps and goes on to nearly 1. Right, with squared error and three learning rates, it rises to just below one half and stays there."
)
display(Picture(f'<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(panels)}</div>', alt=alt))

# %% [markdown]
# <details><summary>Why?</summary>
#
# With cross-entropy every wrong image pulls with nearly full force, and the model recovers. With squared error, the images that are most wrong pull least. A large learning rate
# does not help: the first images that do pull move all logits in *their* direction, until nearly every image is taken for the same digit, with
# confidence. That is right for just under half of the images, and for the others the slope is again near 0.
#
# A fresh model with small logits is not in this trap: near $z = 0$ both losses have a slope. Nor was the classifier in `05_mse_loss`: no sigmoid came before its loss, so
# its slope grew with the error.
#
# </details>
#
# ### Exercise: Two slopes at the logit
#
# Write `logit_gradients(logits, target)`. It returns a tuple of two tensors: for each element, the derivative of the squared error with respect to
# the logit, and the derivative of the binary cross-entropy.
#
# - Do not let PyTorch differentiate: no function with `grad` or `backward` in its name.
# - `logits` and `target` have the same shape, of any number of dimensions, and the same dtype, float32 or float64. Logits are between −10,000 and
#   10,000, targets between 0 and 1. Either may be a transposed or strided view. Neither is changed.
# - Both results have the shape and the dtype of `logits`. There is no mean and no sum: each element has its own loss.
#
# <details><summary>Hint 1: what both have in common</summary>
#
# Both formulas need $q = \sigma(z)$. Compute it once, with `torch.sigmoid(logits)`.
#
# </details>
#
# <details><summary>Hint 2: the formulas</summary>
#
# They are in the folded answer to the first question of this section. The first is the second times $2\,q\,(1 - q)$.
#
# </details>


# %% exercise="logit_gradients" difficulty=1 minutes=5
def logit_gradients(logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The slopes of two losses at the logit, element by element.

    logits, target: float tensors of any shape, the same for both.
    Returns: (that of the squared error, that of the binary cross-entropy), both of the same shape.
    """
    ### BEGIN SOLUTION
    q = torch.sigmoid(logits)
    error = q - target
    return 2 * error * q * (1 - q), error
    ### END SOLUTION


# %% check="logit_gradients" points=2
g = torch.Generator().manual_seed(111)


def attempt(z, y):
    """One call, without autograd; what it did to its arguments is looked at first."""
    kept = [z.detach().clone(), y.clone()]
    with forbidden("grad", "backward"):
        answer = logit_gradients(inplace(z), inplace(y))
    for name, now, before in zip(("logits", "target"), (z, y), kept):
        if not torch.equal(now, before):
            advice = "Your code writes into it: make a new tensor."
            require(False, f"the call does not change {name} of shape {tuple(before.shape)}", advice)
    return answer


def by_autograd(z, y):
    """Both slopes, from torch's own losses."""
    leaf, y = z.detach().double().clone().requires_grad_(), y.double()
    losses = (
        F.mse_loss(leaf.sigmoid(), y, reduction="sum"),
        F.binary_cross_entropy_with_logits(leaf, y, reduction="sum"),
    )
    return tuple(torch.autograd.grad(loss, leaf)[0].to(z.dtype) for loss in losses)


z, y = 2 * torch.randn(2, 3, generator=g), torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.25, 1.0]])
squared, crossed = first = by_autograd(z, y)
q = z.sigmoid().requires_grad_()
answer = kept = attempt(z, y)
expect(
    answer,
    (squared, crossed),
    "logit_gradients(z, y) for shape (2, 3)",
    mistakes={
        "The factor 2 of the squared error is missing.": (squared / 2, crossed),
        "The derivative of the sigmoid, q (1 − q), is missing in the first.": (2 * crossed, crossed),
        "The second has a factor too many: q (1 − q) cancels there.": (
            squared,
            torch.ops.aten.sigmoid_backward(crossed, q),
        ),
        "Both signs are wrong: where q is too small, raising z lowers the loss.": (-squared, -crossed),
        "The order is wrong: the squared error comes first.": (crossed, squared),
        "The second equals the first: are both one tensor, which you changed in place?": (squared, squared),
        "You divided by the number of elements: each element has its own loss.": (squared / 6, crossed / 6),
        "The logits themselves went in where q belongs: take the sigmoid first.": (
            torch.ops.aten.sigmoid_backward(2 * (z - y), z),
            z - y,
        ),
        "These are the derivatives with respect to q: go on to z by the chain rule.": tuple(
            torch.autograd.grad(loss(q, y, reduction="sum"), q)[0] for loss in (F.mse_loss, F.binary_cross_entropy)
        ),
        "These are the losses: their slopes are asked for.": tuple(
            loss(value, y, reduction="none")
            for loss, value in ((F.mse_loss, q.detach()), (F.binary_cross_entropy_with_logits, z))
        ),
        "You returned a list: return a tuple, as in `return a, b`.": [squared, crossed],
        "You stacked the two into one tensor: return a tuple, as in `return a, b`.": torch.stack([squared, crossed]),
    },
)
z, y = torch.tensor([100.0, -100.0, 10_000.0, -10_000.0]), torch.tensor([0.0, 1.0, 0.25, 0.5])
answer = attempt(z, y)
odd = isinstance(answer, tuple) and any(isinstance(t, torch.Tensor) and bool(t.isnan().any()) for t in answer)
advice = "nan: exp overflowed, and ∞/∞ or 0 · ∞ is not a number. torch.sigmoid does not overflow."
require(not odd, "no nan for the logits 100, −100, 10,000, −10,000", advice)
expect(
    answer,
    by_autograd(z, y),
    "the slopes at these logits for the targets 0, 1, 0.25, 0.5",
    mistakes={
        "For large logits q became 0 instead of 1: exp overflowed. torch.sigmoid does not.": (torch.zeros(4), -y)
    },
)


def try_many(seed, largest):
    """Many shapes, layouts and both dtypes, also with logits that want a gradient themselves."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for number, (what, z) in enumerate(unkind_inputs(g, largest=largest)):
        if z.numel() == 0:
            continue
        y = torch.rand(z.shape, generator=g).to(z.dtype)
        y, what = y.round() if number % 2 else y, what.replace("x of", "logits of", 1)
        z = 10 * z if number % 3 == 0 else z.detach()
        if number % 4 == 1:
            z, what = z.detach().clone().requires_grad_(), f"{what}, which requires a gradient"
        answers[what], wanted[what] = attempt(z, y), by_autograd(z, y)
        if isinstance(answers[what], tuple):  # with or without a gradient of its own
            answers[what] = tuple(t.detach() if isinstance(t, torch.Tensor) else t for t in answers[what])
    for dtype, tolerance in {torch.float32: 1e-4, torch.float64: 1e-9}.items():
        keys = [key for key in wanted if wanted[key][0].dtype == dtype]
        mine, right = ({key: store[key] for key in keys} for store in (answers, wanted))
        what = f"both slopes for {len(keys)} more inputs, in {str(dtype)[6:]}"
        expect(mine, right, what, rtol=tolerance, atol=tolerance / 10)


try_many(112, 3000)
expect(kept, first, "the first result, after all other calls")
### BEGIN HIDDEN TESTS
try_many(113, 2000)
### END HIDDEN TESTS

# %% [markdown]
# ## From the logit straight to the loss
#
# PyTorch has two modules for binary cross-entropy. They differ in what they take:
#
# | module | function | takes | computes |
# |---|---|---|---|
# | `nn.BCELoss` | `F.binary_cross_entropy` | probabilities, after a sigmoid | $y \ln\frac1q + (1 - y) \ln\frac{1}{1-q}$ |
# | `nn.BCEWithLogitsLoss` | `F.binary_cross_entropy_with_logits` | logits | the same, with the sigmoid built in |
#
# In both, the target is a float tensor of the input's shape. Its values need not be 0 or 1: 0.7 means "class 1 with probability 0.7".
# On paper, `BCELoss` after a sigmoid and `BCEWithLogitsLoss` are the same. On a computer, a float32 holds only about seven digits.
#
# The truth is $y = 0$, so the loss is $\ln(1 + e^z)$. For a large $z$ it is just above $z$, and its slope is just below 1.
#
# **Before you run it:** what do the two modules give for a logit of 10? And for 20, where $1 - q$ is 0.000000002?

# %% predict
print("logit   BCELoss after sigmoid, slope    BCEWithLogitsLoss, slope")
for logit in [1.0, 10.0, 20.0, 50.0]:
    row = []
    for loss in [lambda z, y: nn.BCELoss()(torch.sigmoid(z), y), nn.BCEWithLogitsLoss()]:
        z = torch.tensor(logit, requires_grad=True)
        value = loss(z, torch.tensor(0.0))
        value.backward()
        row += [value.item(), z.grad.item()]
    print("{:5.0f}  {:14.4f}  {:13.4f}  {:19.4f}  {:5.4f}".format(logit, *row))

# %% predict folded label="Draw both over the logit"
z = torch.linspace(0, 30, 1201, requires_grad=True)
figure, axes = plt.subplots(2, 1, figsize=(5.6, 5.6), sharex=True, layout="constrained")
for name, style, loss in [
    ("BCELoss after a sigmoid", "--", F.binary_cross_entropy(torch.sigmoid(z), torch.zeros(1201), reduction="none")),
    ("BCEWithLogitsLoss", "-", F.binary_cross_entropy_with_logits(z, torch.zeros(1201), reduction="none")),
]:
    (slope,) = torch.autograd.grad(loss.sum(), z)
    axes[0].plot(z.detach(), loss.detach(), style, color=COLOURS["loss"], lw=2.5, label=name)
    axes[1].plot(z.detach(), slope, style, color=COLOURS["loss"], lw=2.5, label=name)
axes[0].legend(frameon=False, fontsize=12, loc="upper left")
for ax, name in zip(axes, ["loss", "slope"]):
    ax.set_ylabel(name, fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25)
    ax.tick_params(labelsize=11)
axes[1].set(ylim=(-0.05, 1.1))
axes[1].set_xlabel("logit z (the truth is 0)", fontsize=12)
show(
    figure,
    alt="Two panels over the logit from 0 to 30, the truth is 0. Above, the losses: BCEWithLogitsLoss rises in a straight line to 30;"
    " BCELoss after a sigmoid follows it with small steps to about 16.6 and then jumps to 100. Below, the slopes: that of BCEWithLogitsLoss stays at"
    " 1, that of BCELoss after a sigmoid drops to 0 at the same place.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The largest float32 below 1 is 1 − 0.00000006. From a logit of about 17 on, the sigmoid is nearer to 1 than to that number,
# and is rounded to 1. `BCELoss` gets $q = 1$ and would have to compute $\ln 0 = -\infty$. It uses −100 instead, so the loss is 100 for
# *every* such logit. The slope is 0, because the sigmoid's own slope, $q\,(1 - q)$, is 0. The model is wrong and learns nothing. (At 10 the
# loss, 9.9996, is already a little off: of $1 - q = 0.000045$ only three digits are left.)
#
# `BCEWithLogitsLoss` never computes $q$. It uses
#
# $$\ln(1 + e^z) = \max(z, 0) + \ln(1 + e^{-|z|}),$$
#
# in which the exponential is at most 1 and nothing overflows. For a target $y$ other than 0, $y z$ is subtracted as well.
#
# </details>
#
# So let the network end with a linear layer, train with `BCEWithLogitsLoss`, and apply the sigmoid only to show probabilities. (When class 1 is rare,
# `pos_weight=` gives its samples more weight.)
#
# ### Exercise: BCE with logits
#
# Write `bce_with_logits(logits, target)`: the mean of the binary cross-entropies of all elements,
#
# $$\max(z, 0) - y\,z + \ln(1 + e^{-|z|}), \qquad\text{or any other form that gives these values.}$$
#
# - `torch.log(1 + u)` will do for $\ln(1 + u)$, although it loses digits when $u$ is tiny.
# - Use none of torch's own losses (no function with `loss` or `entropy` in its name), no `softplus`, and no `logsigmoid` (also called `log_sigmoid`).
# - `logits` and `target` have the same shape, of any number of dimensions, and the same dtype, float32 or float64. Logits are between −10,000 and
#   10,000, targets between 0 and 1. Either may be a transposed or strided view. Neither is changed.
# - The result is a 0-d tensor of the same dtype.
# - Gradients flow to the logits: $\frac1M (q - y)$ for each of the $M$ elements. (At a logit of exactly 0, where $\max$ and $|z|$ have a kink, any
#   slope from $-\frac yM$ to $\frac{1-y}M$ will do.)
#
# <details><summary>Hint 1: the pieces</summary>
#
# `z.clamp(min=0)` is $\max(z, 0)$. `torch.log1p(u)` is $\ln(1 + u)$, also for tiny $u$.
#
# </details>
#
# <details><summary>Hint 2: a nan in the gradient</summary>
#
# `torch.where` computes both branches, and the gradient of the branch that is not chosen is multiplied by 0. If it is infinite, the product is `nan`. So let no branch
# overflow: give `exp` numbers that are at most 0.
#
# </details>


# %% exercise="bce_with_logits" difficulty=2 minutes=9
def bce_with_logits(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean binary cross-entropy, from logits.

    logits, target: float tensors of any shape, the same for both. Returns: a 0-d tensor.
    """
    ### BEGIN SOLUTION
    kink = logits.clamp(min=0) - target * logits
    return (kink + torch.log1p(torch.exp(-logits.abs()))).mean()
    ### END SOLUTION


# %% check="bce_with_logits" points=2
g = torch.Generator().manual_seed(121)


def attempt(z, y):
    """One call, watched; what it did to its arguments is looked at first."""
    kept = [z.detach().clone(), y.clone()]
    with forbidden("loss", "entropy", "softplus", "logsigmoid", "log_sigmoid"):
        answer = bce_with_logits(inplace(z), inplace(y))
    for name, now, before in zip(("logits", "target"), (z, y), kept):
        if not torch.equal(now, before):
            advice = "Your code writes into it: make a new tensor."
            require(False, f"the call does not change {name} of shape {tuple(before.shape)}", advice)
    return answer


def reference(z, y):
    return F.binary_cross_entropy_with_logits(z, y)


signs = torch.tensor([1.0, -1.0, 1.0])
z, y = 2 * torch.rand(2, 3, generator=g) * signs, torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.25, 1.0]])
first, each = attempt(z, y), F.binary_cross_entropy_with_logits(z, y, reduction="none")
wanted_first = reference(z, y)
expect(
    first,
    wanted_first,
    "bce_with_logits(z, y) for shape (2, 3)",
    mistakes={
        "This is the sum: take the mean.": each.sum(),
        "One number per element: now take their mean.": each,
        "One number per row: take the mean over all dimensions.": each.mean(-1),
        "The sign is wrong: a loss is positive.": -wanted_first,
        "Only the term with y is there: the term with 1 − y is missing.": F.binary_cross_entropy_with_logits(
            z, torch.ones(2, 3), weight=y
        ),
        "The targets 0 and 1 are swapped.": reference(z, 1 - y),
        "The term − y z is missing.": reference(z, torch.zeros_like(z)),
        "exp got |z|: the minus before |z| is missing.": (each + z.abs()).mean(),
        "exp got −z: take the absolute value, −|z|.": (each + (-z).clamp(min=0)).mean(),
        "You used base 2: the natural logarithm is meant.": wanted_first / math.log(2),
        "The value is right, but it is a Python number: return the tensor (no .item()).": wanted_first.item(),
    },
)
z, y = torch.tensor([200.0, -300.0, 5000.0, -7.0]), torch.tensor([0.0, 1.0, 1.0, 0.0])
what, answer = "bce_with_logits of the logits 200, −300, 5000, −7 and the targets 0, 1, 1, 0", attempt(z, y)
if isinstance(answer, torch.Tensor) and answer.shape == () and 0 <= float(answer) < 124:
    advice = "A logit or a probability was clamped, its logarithm cut off, or a small number added: do without that."
    require(False, f"{what}, which is 125, not {float(answer):.4g}", advice)
expect(
    answer,
    reference(z, y),
    what,
    mistakes={
        "nan is ∞ − ∞ or 0 · ∞: exp overflowed, or a probability was rounded to 0 or 1. Do not compute q, and give exp only"
        " numbers that are at most 0.": torch.tensor(math.nan),
        "Infinite: exp overflowed, or a probability was rounded to 0 before the logarithm.": torch.tensor(math.inf),
    },
    rtol=1e-4,
)
leaf = z.clone().requires_grad_()
answer = attempt(leaf.view_as(leaf), y)
require(
    isinstance(answer, torch.Tensor) and answer.requires_grad,
    "autograd passes through the result",
    "The path for gradients is cut: .data, .detach(), .item() and `torch.no_grad()` do that.",
)
(3 * answer).backward()
odd = leaf.grad is not None and bool(leaf.grad.isnan().any())
advice = "nan: a branch that is not chosen overflows, too, and 0 · ∞ is nan."
require(not odd, "no nan in the gradient of the logits 200, −300, 5000, −7", advice)
expect(
    leaf.grad,
    torch.tensor([0.75, -0.75, 0.0, 0.00068329]),
    "the gradient of 3 times the loss for these logits",
    mistakes={
        "This is the gradient of the loss itself: your own `backward` must multiply by what it is given.": torch.tensor(
            [0.25, -0.25, 0.0, 0.00022776]
        )
    },
)
z, y = torch.tensor([22.0], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)
expect(
    attempt(z, y),
    reference(z, y),
    "bce_with_logits of one logit, 22, and the target 1, in float64",
    mistakes={
        "0: for large |z| the logarithm was left out. float64 can hold it.": torch.tensor(0.0, dtype=torch.float64)
    },
    rtol=1e-3,
)


def try_many(seed, largest):
    """Values and gradients: many shapes, layouts and both dtypes, small logits and large."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for number, (what, z) in enumerate(unkind_inputs(g, largest=largest)):
        if z.numel() == 0:
            continue
        y = torch.rand(z.shape, generator=g).to(z.dtype)
        y, what = y.round() if number % 2 else y, what.replace("x of", "logits of", 1)
        z = z * (1, 30, 2000)[number % 3] if number % 5 else z
        if number % 4 == 1:
            answers[what], wanted[what] = attempt(z, y), reference(z, y)
            continue
        what = f"{what}, gradient wanted"
        leaf = z.detach().requires_grad_()
        answer, right = attempt(leaf.view_as(leaf), y), reference(leaf, y)
        answers[what], wanted[what] = answer, right.detach()
        if not (isinstance(answer, torch.Tensor) and answer.requires_grad and answer.shape == ()):
            continue
        answers[what] = answer.detach()
        (mine,), (known,) = (torch.autograd.grad(value, leaf, allow_unused=True) for value in (answer, right))
        require(mine is not None, f"a gradient reaches {what}", "None does.") if mine is None else None
        mine, known = mine * z.numel(), known * z.numel()
        free = (z == 0) & (mine <= 1.001 - y) & (mine >= -0.001 - y)  # at the kink
        key = f"{what}: M times the gradient"
        answers[key], wanted[key] = torch.where(free, known, mine), known
    for dtype, tolerance in {torch.float32: 1e-4, torch.float64: 1e-9}.items():
        keys = [key for key in wanted if wanted[key].dtype == dtype]
        mine, right = ({key: store[key] for key in keys} for store in (answers, wanted))
        what = f"{len(keys)} more values and gradients, in {str(dtype)[6:]}"
        expect(mine, right, what, rtol=tolerance, atol=tolerance / 10)


try_many(122, 3000)
expect(
    first.detach() if isinstance(first, torch.Tensor) else first,
    wanted_first,
    "the first result, after all other calls",
)
### BEGIN HIDDEN TESTS
try_many(123, 2000)
### END HIDDEN TESTS

# %% [markdown]
# ## Many classes: the softmax
#
# With $C$ classes the network gives $C$ logits per sample, and the **softmax** turns them into $C$ probabilities:
#
# $$q_k = \frac{e^{z_k}}{\sum_j e^{z_j}}.$$
#
# Only differences of logits matter: adding a constant $a$ to all of them multiplies numerator and denominator by $e^a$. (Two classes with the logits
# $z$ and 0 give the sigmoid again.) Cross-entropy needs the *logarithm* of the probabilities. Here are three ways to compute it.
#
# **Before you run it:** which of the three ways works for which of the three rows?


# %% predict
def by_the_formula(z):
    return (z.exp() / z.exp().sum(dim=-1, keepdim=True)).log()


def log_of_softmax(z):
    return torch.softmax(z, dim=-1).log()


def torchs_log_softmax(z):
    return torch.log_softmax(z, dim=-1)


for row in [(1.0, 2.0, 3.0), (101.0, 102.0, 103.0), (0.0, -200.0, -1.0)]:
    print(row)
    for way in [by_the_formula, log_of_softmax, torchs_log_softmax]:
        print(f"    {way.__name__:19}", *(f"{value:9.4f}" for value in way(torch.tensor(row)).tolist()))

# %% [markdown]
# <details><summary>Why?</summary>
#
# The first two rows have the same differences, so the same softmax. But $e^{101}$ is more than a float32 can hold: it becomes ∞, and ∞/∞ is `nan`.
#
# In the third row the second probability is $e^{-200} / (1 + e^{-1})$, below the smallest positive float32. It becomes 0, and
# $\ln 0 = -\infty$, although the true logarithm is an ordinary number, −200.31. `torch.softmax` does not overflow, but that does not help
# here: what is lost before the logarithm stays lost.
#
# `log_softmax` survives all three, because it never computes the probabilities.
#
# </details>
#
# Where are the limits? They depend on the dtype:

# %%
limits = {}
for dtype in [torch.float16, torch.bfloat16, torch.float32, torch.float64]:
    info = torch.finfo(dtype)
    limits[dtype] = math.log(info.tiny * info.eps), math.log(info.max)  # the smallest number above 0, the largest
    print(f"{dtype!s:15}  exp(z) is 0 below about {limits[dtype][0]:7.1f} and inf above {limits[dtype][1]:6.1f}")

# %% folded label="Draw what exp can take"
figure, ax = plt.subplots(figsize=(5.8, 3.6), layout="constrained")
for row, (low, high) in enumerate(limits.values()):
    ax.barh(row, 2000, left=high, color=COLOURS["loss"], height=0.55, hatch="///", edgecolor="white")
    ax.barh(row, -2000, left=low, color=COLOURS["plain"], height=0.55, alpha=0.45)
    ax.barh(row, high - low, left=low, color=COLOURS["output"], height=0.55)
    ax.text(low, row + 0.31, f"−{-low:.0f}", ha="center", va="top", fontsize=11, color=INK)
    ax.text(high, row + 0.31, f"{high:.0f}", ha="center", va="top", fontsize=11, color=INK)
ax.set_xscale("symlog", linthresh=10)
ax.set(xlim=(-1500, 1500), ylim=(3.75, -1.0), xticks=[-1000, -100, -10, 0, 10, 100, 1000])
ax.set_xticklabels(["−1000", "−100", "−10", "0", "10", "100", "1000"], fontsize=10)
ax.set_yticks(range(4), [str(dtype).removeprefix("torch.") for dtype in limits], fontsize=11)
for place, text in [(-170, "exp(z) = 0"), (0, "a number"), (170, "exp(z) = ∞")]:
    ax.text(place, -0.55, text, ha="center", va="center", fontsize=11, color=INK)
ax.set_xlabel("z", fontsize=12)
ax.spines[["top", "right", "left"]].set_visible(False)
show(
    figure,
    alt="Four bars on an axis of z from −1500 to 1500, with zones where exp(z) is 0, a number, and infinite. float16: a number from −17 to 11."
    " bfloat16: from −92 to 89. float32: from −103 to 89. float64: from −744 to 710.",
)

# %% [markdown]
# Logits of ±1000 are too much for each of these dtypes. The remedy uses what you have seen: a constant may be subtracted. Take the
# largest logit, $m = \max_j z_j$:
#
# $$\ln q_k = (z_k - m) - \ln \sum_j e^{z_j - m}.$$
#
# Now the largest exponent is 0, so nothing overflows. Its term is $e^0 = 1$, so the sum is at least 1, and the logarithm is finite. Terms
# that become 0 are too small to matter beside that 1.

# %% folded label="Draw log-softmax, step by step"
z = torch.tensor([[101.0, 102.0, 103.0], [0.0, -200.0, -1.0]])
shifted = z - z.amax(dim=1, keepdim=True)
powers = shifted.exp()
total = powers.sum(dim=1, keepdim=True)
draw_row(
    Grid(z, "logits z", "input", digits=0),
    "→",
    Grid(shifted, "z − m", "plain", digits=0),
    alt="A 2×3 tensor of logits, 101, 102, 103 and 0, −200, −1; minus the maximum of each row it is −2, −1, 0 and 0, −200, −1.",
)
draw_row(
    Grid(powers, "exp", "plain", digits=2),
    "→",
    Grid(total, "sum", "plain", digits=2),
    "→",
    Grid(total.log(), "ln", "plain", digits=2),
    alt="Their exponentials, 0.14, 0.37, 1 and 1, 0, 0.37; the sums of the rows, 1.50 and 1.37; the logarithms of the sums, 0.41 and 0.31.",
)
draw_row(
    Grid(shifted, "z − m", "plain", digits=0),
    "−",
    Grid(total.log(), "ln", "plain", digits=2),
    "→",
    Grid(shifted - total.log(), "ln q", "output", digits=1),
    alt="z − m minus the logarithms of the sums gives ln q: −2.4, −1.4, −0.4 and −0.3, −200.3, −1.3.",
)

# %% [markdown]
# ### Exercise: A log-softmax that is safe
#
# Write `log_softmax(z, dim=-1)`: the logarithm of the softmax along dimension `dim`.
#
# - Do without `softmax`, `log_softmax`, `softmin`, `logsumexp`, `logaddexp`, `logcumsumexp`, and torch's losses (no function with `loss` or
#   `entropy` in its name).
# - `z` is float32 or float64, with at least one dimension. `dim` is any of its dimensions, counted from the front or (negative) from the back. `z` may
#   be a transposed or strided view. It is not changed.
# - Values are between −10,000 and 10,000, and one row may hold both ends of that range.
# - The result has the shape and the dtype of `z`. Gradients flow through it.
#
# <details><summary>Hint 1: shapes</summary>
#
# The maximum and the sum must broadcast against `z`. Reductions have an argument for that: `keepdim=True`.
#
# </details>
#
# <details><summary>Hint 2: the maximum</summary>
#
# `z.max(dim=…)` returns values and indices; `z.amax(dim=…)` returns the values alone. Each row needs its own maximum: with one for the whole tensor, all exponentials
# of another row may become 0.
#
# </details>


# %% exercise="log_softmax" difficulty=2 minutes=8
def log_softmax(z: torch.Tensor, dim: int = -1) -> torch.Tensor:
    """The logarithm of the softmax.

    z: a float tensor of any shape. dim: the dimension of the classes. Returns: a tensor of the same shape.
    """
    ### BEGIN SOLUTION
    shifted = z - z.amax(dim=dim, keepdim=True)
    return shifted - shifted.exp().sum(dim=dim, keepdim=True).log()
    ### END SOLUTION


# %% check="log_softmax" points=2
g = torch.Generator().manual_seed(131)
WITHOUT = "softmax", "softmin", "logsumexp", "logaddexp", "logcumsumexp", "loss", "entropy"


def attempt(z, dim=None, named=False):
    """One call, watched; what it did to its argument is looked at first."""
    kept = z.detach().clone()
    with forbidden(*WITHOUT):
        if dim is None:
            answer = log_softmax(inplace(z))
        elif named:
            answer = log_softmax(inplace(z), dim=dim)
        else:
            answer = log_softmax(inplace(z), dim)
    if not torch.equal(z, kept):
        advice = "Your code writes into it: make a new tensor (z - m, not z -= m)."
        require(False, f"the call does not change z of shape {tuple(kept.shape)}", advice)
    return answer


z = torch.randn(3, 3, generator=g)
first, wanted_first = attempt(z, 1), torch.log_softmax(z, 1)
m = z.amax(1, keepdim=True)
expect(
    first,
    wanted_first,
    "log_softmax(z, 1) for z of shape (3, 3)",
    mistakes={
        "This is the softmax: its logarithm is asked for.": torch.softmax(z, 1),
        "The sums of the rows were subtracted from the columns: keepdim=True is missing in the sum.": (
            z - m - (torch.logsumexp(z, 1) - m[:, 0])[None, :]
        ),
        "The maxima of the rows were subtracted from the columns: keepdim=True is missing.": (
            z - m[:, 0] - torch.logsumexp(z - m[:, 0], 1)
        ),
        "The maxima of the rows were subtracted from the columns: keepdim=True is missing in the maximum.": (
            torch.log_softmax(z - m[:, 0], 1)
        ),
        "The maximum was subtracted in the sum, but not from z itself.": z - torch.logsumexp(z - m, 1, keepdim=True),
        "You added up over the other dimension.": torch.log_softmax(z, 0),
        "You added up the whole tensor: only along dim.": z - torch.logsumexp(z, (0, 1)),
        "You used log2: the natural logarithm is asked for.": torch.log_softmax(z, 1) / math.log(2),
        "The sign is wrong: logarithms of probabilities are negative.": -torch.log_softmax(z, 1),
        "This is z − m: the logarithm of the sum is missing.": z - m,
    },
)
expect(
    attempt(z, 0, named=True),
    torch.log_softmax(z, 0),
    "log_softmax(z, dim=0)",
    mistakes={"Your code ignores `dim`.": torch.log_softmax(z, 1)},
)
z = torch.tensor([[101.0, 102, 103], [0, -200, -1], [-9000, 9000, -9001], [-7000, -9000, -9001]])
what, answer = "the rows (101, 102, 103), (0, −200, −1), (−9000, 9000, −9001), (−7000, −9000, −9001)", attempt(z)
if isinstance(answer, torch.Tensor) and answer.shape == z.shape:
    for odd, advice in [
        (
            answer.isnan().any(),
            "nan: exp overflowed, or all exponentials of a row became 0. Subtract its maximum first.",
        ),
        ((answer == -math.inf).all(-1).any(), "A whole row is −∞: exp overflowed. Subtract the maximum of the row."),
        (answer.min() > -1000, "Small probabilities were clamped, or a number was added: work with logarithms only."),
    ]:
        if bool(odd):
            require(False, f"log_softmax of {what}", advice)
right = torch.log_softmax(z, -1)
expect(
    answer,
    right,
    f"log_softmax of {what}",
    mistakes={
        "−∞ is the logarithm of a probability that has become 0: work with logarithms only.": torch.softmax(
            z, -1
        ).log(),
        "Three rows became infinite: subtract each row's own maximum, not that of the whole tensor.": right.where(
            z.amax(1, keepdim=True) == 9000, math.inf
        ),
        "The last row became infinite: subtract its own maximum, however small.": right.where(
            z.amax(1, keepdim=True) > -7000, math.inf
        ),
    },
)


def try_many(seed, largest):
    """Values and gradients for many shapes, dimensions and layouts, moderate logits and extreme ones."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    level = torch.full((2, 300), float(seed))
    answers["300 equal logits"], wanted["300 equal logits"] = attempt(level), torch.log_softmax(level, -1)
    level = torch.tensor([0.0, *[-23.0] * 3000], dtype=torch.float64)
    what = "one logit of 0 and 3000 of −23"
    answers[what], wanted[what] = attempt(level), torch.log_softmax(level, -1)
    for number, (what, z) in enumerate(unkind_inputs(g, largest=largest)):
        if z.numel() == 0 or z.dim() == 0:
            continue
        dim = number // 2 % z.dim() - (z.dim() if number % 2 else 0)
        z = z * (1, 50, 2000)[number % 3] if number % 4 else z
        what = f"{what.replace('x of', 'z of', 1)}, dim={dim}"
        if number % 3 == 1:
            answers[what], wanted[what] = attempt(z, dim), torch.log_softmax(z, dim)
            continue
        leaf, upstream = z.detach().requires_grad_(), torch.randn(z.shape, generator=g).to(z.dtype)
        answer, right = attempt(leaf.view_as(leaf), dim), torch.log_softmax(leaf, dim)
        answers[what], wanted[what] = answer, right.detach()
        if not (isinstance(answer, torch.Tensor) and answer.shape == z.shape):
            continue
        if not answer.requires_grad:
            require(False, f"gradients flow for {what}", "The path is cut: .data, .detach() and the like do that.")
        answers[what] = answer.detach()
        for value, store in ((answer, answers), (right, wanted)):
            (grad,) = torch.autograd.grad((value * upstream).sum(), leaf, allow_unused=True)
            store[f"{what}: the gradient"] = grad
    for dtype, tolerance in {torch.float32: 1e-4, torch.float64: 1e-9}.items():
        keys = [key for key in wanted if wanted[key].dtype == dtype]
        mine, right = ({key: store[key] for key in keys} for store in (answers, wanted))
        what = f"{len(keys)} more values and gradients, in {str(dtype)[6:]}"
        expect(mine, right, what, rtol=tolerance, atol=tolerance / 10)


try_many(132, 3000)
expect(first, wanted_first, "the first result, after all other calls")
### BEGIN HIDDEN TESTS
try_many(133, 2000)
### END HIDDEN TESTS

# %% [markdown]
# ## `NLLLoss`, `CrossEntropyLoss`, and how they fit
#
# The truth is a class index $y$, so cross-entropy is $\ln \frac{1}{q_y}$, or $-\ln q_y$: one number is picked from each row of log-probabilities, and its sign is
# changed. That is the **negative log-likelihood**, `nn.NLLLoss`. It computes neither a softmax nor a logarithm: its input is $\ln q$.
# `nn.CrossEntropyLoss` takes the logits, and does a log-softmax first.

# %%
torch.manual_seed(1)
logits = torch.randn(4, 3)  # 4 samples, 3 classes
classes = torch.tensor([2, 0, 1, 1])  # int64, shape (4,)

log_q = nn.LogSoftmax(dim=1)(logits)
print("picked by hand:       ", -log_q[torch.arange(4), classes].mean())
print("LogSoftmax, NLLLoss:  ", nn.NLLLoss()(log_q, classes))
print("CrossEntropyLoss:     ", nn.CrossEntropyLoss()(logits, classes))

# %% folded label="Draw how the modules fit together"
figure, axes = plt.subplots(2, 1, figsize=(6.2, 5.2), layout="constrained")
rows = [
    ("two classes, one logit", ["logit", "q", "loss"], ["Sigmoid", "BCELoss"], "BCEWithLogitsLoss"),
    ("C classes, C logits", ["logits", "ln q", "loss"], ["LogSoftmax", "NLLLoss"], "CrossEntropyLoss"),
]
for ax, (title, values, modules, whole) in zip(axes, rows):
    for k, (value, role) in enumerate(zip(values, ["input", "output", "loss"])):
        ax.add_artist(plt.Rectangle((4.1 * k, 1), 1.6, 1, fc=(COLOURS[role], 0.25), ec=COLOURS[role], lw=2))
        ax.text(4.1 * k + 0.8, 1.5, value, ha="center", va="center", fontsize=13, color=INK)
    for k, module in enumerate(modules):
        arrow = {"arrowstyle": "-|>", "color": INK, "lw": 1.5, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (4.1 * k + 4.1, 1.5), (4.1 * k + 1.6, 1.5), arrowprops=arrow)
        ax.text(4.1 * k + 2.85, 1.68, module, ha="center", va="bottom", fontsize=12, family="monospace", color=INK)
    ax.plot([0.8, 0.8, 9.0], [1.0, 0.3, 0.3], color=INK, lw=1.5)
    ax.annotate("", (9.0, 1.0), (9.0, 0.285), arrowprops=arrow)
    ax.text(4.9, 0.18, whole, ha="center", va="top", fontsize=12, family="monospace", color=INK)
    ax.text(0, 2.75, title, ha="left", va="center", fontsize=12, color=INK, weight="bold")
    ax.set(xlim=(-0.1, 9.9), ylim=(-0.6, 3.1))
    ax.axis("off")
show(
    figure,
    alt="Two chains. Two classes, one logit: the logit goes through Sigmoid to q and through BCELoss to the loss; BCEWithLogitsLoss goes from the"
    " logit to the loss at once. C classes, C logits: the logits go through LogSoftmax to ln q and through NLLLoss to the loss; CrossEntropyLoss goes from"
    " the logits to the loss at once.",
)

# %% [markdown]
# (With more dimensions the classes are still in dimension 1: for one class per pixel the logits are $N \times C \times H \times W$ and the targets $N \times H \times W$.)
#
# `BCELoss` refuses numbers outside 0 to 1. `NLLLoss` and `CrossEntropyLoss` cannot tell logits, probabilities and log-probabilities apart. A model with ten classes is perfect and certain: it gives the right class the probability
# 1 for each of ten samples. You have put a softmax at its end, and pass these *probabilities* on.
#
# **Before you run it:** what should the loss be? What will `CrossEntropyLoss` and `NLLLoss` say?

# %% predict
perfect = torch.eye(10)  # row n: probability 1 for class n
right_classes = torch.arange(10)
print(f"CrossEntropyLoss:  {nn.CrossEntropyLoss()(perfect, right_classes).item():.2f}")
print(f"NLLLoss:           {nn.NLLLoss()(perfect, right_classes).item():.2f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# The loss should be 0. `CrossEntropyLoss` treats the probabilities as logits and applies a second softmax: $\ln\frac{e + 9}{e} = 1.46$. No model can get
# below that, so training seems to be stuck. `NLLLoss` picks the 1 and changes its sign: −1. A negative loss tells you that probabilities went in where log-probabilities belong.
#
# </details>
#
# ### Weights, and samples that do not count
#
# Both modules take `weight=`, one number per class, for data in which some classes are rare, and `ignore_index=`,
# a label whose samples are left out. (The default is −100. It is used for padding and for pixels without a label.) Here are three samples
# with the losses 1, 2 and 3.
#
# **Before you run it:** which three means will be printed?

# %% predict
log_q = torch.tensor([[-1.0, -0.459], [-0.145, -2.0], [-0.051, -3.0]])
two_classes = torch.tensor([0, 1, 1])  # losses 1, 2, 3
print(f"plain:            {F.nll_loss(log_q, two_classes).item():.2f}")
print(f"weight=(1, 3):    {F.nll_loss(log_q, two_classes, weight=torch.tensor([1.0, 3.0])).item():.2f}")
print(f"ignore_index=0:   {F.nll_loss(log_q, two_classes, ignore_index=0).item():.2f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# - $(1 + 2 + 3) / 3 = 2$.
# - $(1 \cdot 1 + 3 \cdot 2 + 3 \cdot 3) / (1 + 3 + 3) = 16/7 = 2.29$. With class indices, a weighted mean divides by the sum of the *weights* of the samples, not by their number.
# - $(2 + 3) / 2 = 2.5$. An ignored sample counts neither above nor below the line.
#
# </details>
#
# ### Exercise: Negative log-likelihood
#
# Write `nll(log_probs, target, weight=None, ignore_index=-100)`:
#
# $$\frac{\sum_n w_{y_n} \cdot (-\ln q_{n, y_n})}{\sum_n w_{y_n}}.$$
#
# Both sums are over the samples whose target is not `ignore_index`.
#
# - Use none of torch's own losses (no function with `loss`, `nll` or `entropy` in its name).
# - `log_probs` has shape `(N, C)`, float32 or float64, and holds $\ln q$. `target` has shape `(N,)`, int64. `weight` has shape `(C,)` and the dtype of
#   `log_probs`; without it, all weights are 1.
# - A target is a class, from 0 to $C-1$, or equals `ignore_index`, which may be any integer, even that of a class. At least one sample counts
#   and has a weight above 0.
# - `log_probs` may hold −∞, and an ignored sample's row may hold anything: what is not picked must not affect the result. The result is
#   infinite only if a sample that counts has −∞ at its target. (Such a sample has a weight above 0.)
# - All three tensors may be strided views. None is changed. The result is a 0-d tensor of the dtype of `log_probs`. Gradients flow to `log_probs`.
#
# <details><summary>Hint 1: picking one number from each row</summary>
#
# `log_probs[torch.arange(N), target]` picks element `target[n]` of row `n`. So does `log_probs.gather(1, target[:, None])`. A product with a one-hot matrix does not help: 0 · ∞ is `nan`.
#
# </details>
#
# <details><summary>Hint 2: what is ignored</summary>
#
# Throw the ignored samples away first, from both tensors, with a boolean mask. Then no index is out of range, and no −∞ is left to be multiplied by 0.
#
# </details>
#
# <details><summary>Hint 3: the weights</summary>
#
# `weight[target]` gives each sample the weight of its class.
#
# </details>


# %% exercise="nll" difficulty=2 minutes=10
def nll(
    log_probs: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None, ignore_index: int = -100
) -> torch.Tensor:
    """The weighted mean of the negative log-likelihoods.

    log_probs: (N, C). target: (N,), int64. weight: (C,) or None. Returns: a 0-d tensor.
    """
    ### BEGIN SOLUTION
    counts = target != ignore_index
    log_probs, target = log_probs[counts], target[counts]
    losses = -log_probs[torch.arange(len(target)), target]
    if weight is None:
        return losses.mean()
    weights = weight[target]
    return (weights * losses).sum() / weights.sum()
    ### END SOLUTION


# %% check="nll" points=3
g = torch.Generator().manual_seed(141)


def attempt(log_q, y, weight=None, ignore_index=-100, named=True):
    """One call, watched; what it did to its arguments is looked at first."""
    tensors = {"log_probs": log_q, "target": y}
    if weight is not None:
        tensors["weight"] = weight
    kept = {name: t.detach().clone() for name, t in tensors.items()}
    with forbidden("loss", "nll", "entropy"):
        if weight is None and ignore_index == -100:
            answer = nll(inplace(log_q), inplace(y))
        elif weight is None:
            answer = nll(inplace(log_q), inplace(y), ignore_index=ignore_index)
        elif not named:
            answer = nll(inplace(log_q), inplace(y), inplace(weight), ignore_index)
        elif ignore_index == -100:
            answer = nll(inplace(log_q), inplace(y), weight=inplace(weight))
        else:
            answer = nll(inplace(log_q), inplace(y), weight=inplace(weight), ignore_index=ignore_index)
    for name, now in tensors.items():
        if not torch.equal(now, kept[name]):
            require(False, f"the call does not change {name}", "Your code writes into it: make a new tensor.")
    return answer


log_q, y = torch.log_softmax(2 * torch.randn(4, 4, generator=g), 1), torch.tensor([2, 0, 3, 0])
each = F.nll_loss(log_q, y, reduction="none")
first, wanted_first = attempt(log_q, y), F.nll_loss(log_q, y)
expect(
    first,
    wanted_first,
    "nll(log_probs, target) for 4 samples and 4 classes",
    mistakes={
        "The sign is wrong: minus the log-probability.": -each.mean(),
        "This is the sum: divide by the sum of the weights, here 4. (Or did (N, 1) times (N,) become (N, N)?)": each.sum(),
        "These are the losses of the samples: take their mean.": each,
        "You averaged whole columns: from each row take one number.": -log_q[:, y].mean(),
        "You took the logarithm again: log_probs already holds logarithms.": torch.tensor(math.nan),
        "You took the probabilities instead of their logarithms.": -log_q.exp()[torch.arange(4), y].mean(),
    },
)
weight = torch.tensor([0.5, 3.0, 1.0, 2.5])
total = F.nll_loss(log_q, y, weight, reduction="sum")
expect(
    attempt(log_q, y, weight=weight),
    F.nll_loss(log_q, y, weight),
    "the same with weight=(0.5, 3, 1, 2.5)",
    mistakes={
        "You divided by the number of samples: divide by the sum of their weights.": total / 4,
        "You divided by the sum of all classes' weights: only those of the samples count.": total / 7,
        "Your code ignores `weight`, or pairs each loss with each weight: (N, 1) times (N,) is (N, N).": wanted_first,
        "Sample n got weight[n]: the weight is that of its class, weight[target].": (each * weight).sum() / 7,
        "This is the weighted sum: divide it by the sum of the weights.": total,
    },
)
expect(
    attempt(log_q, y, weight=1e-6 * weight),
    F.nll_loss(log_q, y, weight),
    "the same with weights a million times smaller, which must not matter",
    mistakes={"The sum of the weights was clamped: it is above 0, so divide by it.": total / 1000},
)
y = torch.tensor([2, -100, 3, 0])
expect(
    attempt(log_q, y),
    F.nll_loss(log_q, y),
    "the targets (2, −100, 3, 0): the second sample is ignored",
    mistakes={
        "You divided by 4: an ignored sample does not count below the line either.": F.nll_loss(
            log_q, y, reduction="sum"
        )
        / 4,
        "The ignored sample was dropped from the target only: drop its row of log_probs as well.": F.nll_loss(
            log_q[:3], y[y != -100]
        ),
    },
)
expect(
    attempt(log_q, y.where(y != -100, 2), ignore_index=2),
    F.nll_loss(log_q, y.where(y != -100, 2), ignore_index=2),
    "the targets (2, 2, 3, 0) with ignore_index=2",
    mistakes={"Only −100 is ignored: use `ignore_index`.": F.nll_loss(log_q, y.where(y != -100, 2))},
)
holes, y = log_q.clone(), torch.tensor([2, -100, 3, 0])
holes[0, 1], holes[1, :] = -math.inf, -math.inf
expect(
    attempt(holes, y, weight, named=False),
    F.nll_loss(log_q, y, weight),
    "log_probs with −∞ in places that do not count",
    mistakes={
        "nan is 0 · ∞: drop ignored samples, and pick the targets' values instead of multiplying by 0 and 1.": torch.tensor(
            math.nan
        ),
    },
)
y = torch.tensor([0, 0])
expect(
    attempt(torch.tensor([[-200.0, 0.0], [0.0, -200.0]]), y),
    torch.tensor(100.0),
    "the losses 200 and 0",
    mistakes={
        "You went back to q: exp(−200) is 0, and ln 0 is −∞. Take ln q as it is.": torch.tensor(math.inf),
        "log_probs was cut off at −100: take ln q as it is.": torch.tensor(50.0),
    },
)
answer = attempt(torch.tensor([[-math.inf, 0.0], [0.0, -math.inf]]), y)
advice = "The right class has the probability 0, so the loss is infinite: do not clamp log_probs or replace −∞."
require(float(answer) == math.inf, "the losses ∞ and 0 have an infinite mean", advice)


def try_many(seed, sizes):
    """Other numbers of samples and classes, with and without weights and ignored samples; values and gradients."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for number, (n, c) in enumerate(sizes):
        dtype = torch.float64 if number % 3 == 1 else torch.float32
        log_q = torch.log_softmax(3 * torch.randn(n, c, generator=g, dtype=dtype), 1)
        y = torch.randint(0, c, (n,), generator=g)
        ignored = (-100, 0, 255, -1, c - 1)[number % 5] if n > 3 else -100
        y[2:] = torch.where(torch.rand(n, generator=g)[2:] < 0.3, ignored, y[2:])
        y[0] = 1 if c > 2 else y[0]
        named = {} if ignored == -100 else {"ignore_index": ignored}
        what = f"{n} samples, {c} classes, {dtype}, ignore_index {ignored}"
        if not bool((y != ignored).any()):
            y[0] = (ignored + 1) % c
        if number % 2:
            named["weight"], what = torch.rand(c, generator=g).to(dtype) + 0.1, f"{what}, with weights"
            named["weight"][2:3] = 0.0
            if number % 4 == 3:
                named["weight"] = torch.stack([named["weight"]] * 2, 1)[:, 0]
        if number % 4 > 1:
            log_q, y = log_q.t().contiguous().t(), torch.stack([y, y], 1)[:, 0]
        leaf = log_q.detach().requires_grad_()
        right, answer = F.nll_loss(leaf, y, **named), attempt(leaf.view_as(leaf), y, **named)
        answers[what], wanted[what] = answer, right.detach()
        if not (isinstance(answer, torch.Tensor) and answer.shape == ()):
            continue
        if not answer.requires_grad:
            require(
                False, f"gradients flow for {what}", "The path is cut: .data, .detach(), .item() and the like do that."
            )
        answers[what] = answer.detach()
        for value, store in ((answer, answers), (right, wanted)):
            (store[f"{what}: the gradient of 3 times the loss"],) = torch.autograd.grad(
                3 * value, leaf, allow_unused=True
            )
    for dtype, tolerance in {torch.float32: 1e-4, torch.float64: 1e-9}.items():
        keys = [key for key in wanted if wanted[key].dtype == dtype]
        mine, right = ({key: store[key] for key in keys} for store in (answers, wanted))
        what = f"{len(keys)} more values and gradients, in {str(dtype)[6:]}"
        expect(mine, right, what, rtol=tolerance, atol=tolerance / 10)


sizes = [
    (5, 3),
    (1, 4),
    (3, 3),
    (7, 2),
    (50, 10),
    (6, 6),
    (2, 5),
    (900, 4),
    (8, 5),
    (3, 1),
    (12, 7),
    (5, 4),
    (9, 3),
    (20, 6),
    (6, 1000),
]
try_many(142, sizes)
expect(first, wanted_first, "the first result, after all other calls")
### BEGIN HIDDEN TESTS
try_many(
    143,
    [
        (6, 4),
        (1, 2),
        (4, 4),
        (9, 3),
        (40, 8),
        (7, 7),
        (3, 6),
        (700, 5),
        (9, 4),
        (3, 1),
        (14, 3),
        (6, 5),
        (8, 2),
        (7, 600),
    ],
)
### END HIDDEN TESTS

# %% [markdown]
# ## Probabilities as targets
#
# Sometimes the truth itself is uncertain: three of four people read a digit as a 1, the fourth as a 7. `CrossEntropyLoss` also takes a target of
# *probabilities*, a float tensor of the logits' shape $N \times C$, and computes $H(P, Q)$ for each sample.

# %%
probabilities = F.one_hot(classes, 3).float()  # certain: the same as the class indices
print(f"class indices, shape (4,):    {F.cross_entropy(logits, classes).item():.4f}")
print(f"probabilities, shape (4, 3):  {F.cross_entropy(logits, probabilities).item():.4f}")
next_classes = F.one_hot((classes + 1) % 3, 3)
unsure = 0.75 * probabilities + 0.25 * next_classes  # three of four say this class, the fourth says the next
print(f"three of four people:         {F.cross_entropy(logits, unsure).item():.4f}")

# %% [markdown]
# With one-hot targets the loss is never 0 (though a table may round it to 0): a larger logit for the right class always lowers it, so a
# network becomes ever more certain. **Label smoothing** counters that. It takes a share $\varepsilon$ of the probability from the right
# class and spreads it evenly over all $C$ classes (the right one included):
#
# $$p_k = (1 - \varepsilon)\,[k = y] + \frac{\varepsilon}{C},$$
#
# where $[k = y]$ is 1 for $k = y$ and 0 otherwise. PyTorch has it built in: `nn.CrossEntropyLoss(label_smoothing=0.1)`. In the cell there are
# ten classes; the right one has the logit $z$, the others have 0.
#
# **Before you run it:** without smoothing, the largest $z$ has the smallest loss. Which of the five has it with smoothing?

# %% predict
print("  z   plain   label_smoothing=0.1")
for z in [0.0, 2.0, 4.0, 8.0, 16.0]:
    ten_logits = torch.tensor([[z, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    both = [F.cross_entropy(ten_logits, torch.tensor([0]), label_smoothing=share).item() for share in (0.0, 0.1)]
    print("{:3.0f}  {:.4f}   {:.4f}".format(z, *both))

# %% [markdown]
# <details><summary>Why?</summary>
#
# With smoothing, the target is 0.91 for the right class and 0.01 for each of the others. The loss is smallest where $q$ equals that: at
# $z = \ln \frac{0.91}{0.01} = 4.5$; of the five, 4 is nearest. Beyond that, the loss *rises*: it is also wrong to be more certain than the
# target. The smallest loss is not 0 but $H(P)$.
#
# </details>
#
# ### Exercise: Targets with smoothing
#
# Write `soft_targets(labels, num_classes, smoothing=0.0)`: the probabilities $p_k$ from the formula above, as a float32 tensor of shape `(N, num_classes)`.
#
# - `labels` has shape `(N,)`, int64, values 0 to `num_classes` − 1. Some classes may not occur. It may be a strided view, and is not changed.
# - `smoothing` is a Python number from 0 to 1.
#
# <details><summary>Hint 1: two parts</summary>
#
# Begin with a one-hot matrix (`F.one_hot`). Which number goes to the right class, which to the others? Check that a row adds up to 1.
#
# </details>


# %% exercise="soft_targets" difficulty=1 minutes=5
def soft_targets(labels: torch.Tensor, num_classes: int, smoothing: float = 0.0) -> torch.Tensor:
    """Class probabilities with label smoothing.

    labels: (N,), int64. Returns: (N, num_classes), float32; each row adds up to 1.
    """
    ### BEGIN SOLUTION
    certain = F.one_hot(labels, num_classes).float()
    return (1 - smoothing) * certain + smoothing / num_classes
    ### END SOLUTION


# %% check="soft_targets" points=1
g = torch.Generator().manual_seed(151)


def attempt(labels, k, smoothing=None, named=False):
    """One call; what it did to the labels is looked at first."""
    kept = labels.clone()
    if smoothing is None:
        answer = soft_targets(inplace(labels), k)
    elif named:
        answer = soft_targets(inplace(labels), k, smoothing=smoothing)
    else:
        answer = soft_targets(inplace(labels), k, smoothing)
    if not torch.equal(labels, kept):
        require(False, "the call does not change the labels", "Your code writes into them: make a new tensor.")
    return answer


def table(right, other, dtype=torch.float32):
    """Stored numbers for the labels (2, 0, 0, 3) and 4 classes."""
    cells = [[other, other, right, other], [right, other, other, other]]
    return torch.tensor([*cells, cells[1], [other, other, other, right]], dtype=dtype)


y = torch.tensor([2, 0, 0, 3])
first = attempt(y, 4)
expect(
    first,
    table(1.0, 0.0),
    "soft_targets((2, 0, 0, 3), 4), without smoothing",
    mistakes={
        "Whole numbers: float32 is asked for. Make the tensor float32 before you write shares into it.": table(
            1, 0, torch.int64
        ),
        "1 was written into whole columns: only in row n at class labels[n].": torch.tensor([[1.0, 0, 1, 1]] * 4),
        "The default of smoothing is 0.": table(0.925, 0.025),
        "The shares are swapped: without smoothing the right class keeps all.": table(0.25, 0.25),
        "Rows and columns are swapped: one row for each sample.": table(1.0, 0.0).t(),
    },
)
expect(
    attempt(y, 4, 0.2),
    table(0.85, 0.05),
    "soft_targets((2, 0, 0, 3), 4, 0.2)",
    mistakes={
        "You spread ε over the wrong classes only: all C classes get ε/C, the right one as well.": table(
            0.8, 0.0666667
        ),
        "The right class got 1 − ε alone: ε/C must be added there, too.": table(0.8, 0.05),
        "The right class must give up ε: a row must add up to 1.": table(1.05, 0.05),
        "Every class got ε: divide it by the number of classes.": table(1.0, 0.2),
        "Your code ignores `smoothing`.": table(1.0, 0.0),
        "The shares became 0: they were written into a tensor of whole numbers.": torch.zeros(4, 4),
    },
)
what, answer = "soft_targets((300, 50000, 5), 50257, 0.1)", attempt(torch.tensor([300, 50_000, 5]), 50_257, 0.1)
if isinstance(answer, torch.Tensor) and answer.shape == (3, 50_001):
    require(False, f"the shape of {what}", "F.one_hot counts only the classes that occur: tell it how many there are.")
if not (isinstance(answer, torch.Tensor) and answer.shape == (3, 50_257)):
    expect(answer, torch.ones(3, 50_257), what)  # names the difference
expect(answer[[0, 1, 2], [300, 50_000, 5]], torch.full((3,), 0.900002), f"the values of the right classes in {what}")
advice = "The share of a class was rounded, or is wrong: 50257 times ε/C is ε."
require(bool((answer.sum(1) - 1).abs().max() < 1e-4), f"the rows of {what} add up to 1", advice)


def try_many(seed, cases):
    """Rows add up to 1 and give the loss that torch's own smoothing gives, for C different logits: they are determined."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for n, k, smoothing in cases:
        labels = torch.randint(0, max(1, k - 1), (2 * n,), generator=g)[::2]
        what = f"soft_targets of {n} label{'s' * (n > 1)} with {k} class{'es' * (k > 1)} and smoothing={smoothing}"
        answer = attempt(labels, k, smoothing, named=True)
        alike = isinstance(answer, torch.Tensor) and answer.shape == (n, k) and answer.dtype == torch.float32
        if not alike:
            expect(answer, torch.ones(n, k), what)  # names the difference in shape or dtype
        answers[f"{what}: the sums of the rows"], wanted[f"{what}: the sums of the rows"] = answer.sum(1), torch.ones(n)
        for j in range(k):
            z, key = 3 * torch.eye(k)[j].expand(n, k), f"{what}: the loss of each sample if the logit of class {j} is 3"
            answers[key] = F.cross_entropy(z, answer, reduction="none")
            wanted[key] = F.cross_entropy(z, labels, label_smoothing=smoothing, reduction="none")
    expect(answers, wanted, f"{len(cases)} more cases: few and many labels, other shares, classes that do not occur")


try_many(152, [(1, 3, 0.1), (5, 5, 0.3), (7, 2, 1.0), (400, 10, 0.05), (3, 1, 0.5), (4, 6, 0), (6, 4, 0.0), (4, 4, 1)])
expect(first, table(1.0, 0.0), "the first result, after all other calls")
### BEGIN HIDDEN TESTS
cases = [(1, 5, 0.2), (4, 4, 0.15), (8, 3, 1.0), (300, 7, 0.01), (2, 1, 0.1), (5, 9, 0), (4, 4, 0.6), (3, 2, 0.5)]
try_many(153, cases)
### END HIDDEN TESTS

# %% [markdown]
# ## The gradient with many classes
#
# What does cross-entropy send back to the logits? For one logit and a sigmoid it was $q - y$. One sample, ten classes, all logits 0, and the right class is 3.
#
# **Before you run it:** what are the ten numbers of the gradient?

# %% predict
z = torch.zeros(1, 10, requires_grad=True)
F.cross_entropy(z, torch.tensor([3])).backward()
print(z.grad)

# %% predict folded label="Draw where the gradient comes from"
z = torch.tensor([[2.0, 0.0, -1.0], [0.0, 3.0, 3.0]])
hot, q = torch.tensor([[1.0, 0, 0], [1.0, 0, 0]]), torch.softmax(z, 1)
draw_row(
    Grid(z, "logits z", "input", digits=0),
    "→",
    Grid(q, "answer q", "output", digits=2),
    alt="Two samples with the logits 2, 0, −1 and 0, 3, 3. Their softmax is 0.84, 0.11, 0.04 and 0.02, 0.49, 0.49.",
)
draw_row(
    Grid(q, "answer q", "output", digits=2),
    "−",
    Grid(hot, "truth p", "plain", digits=0),
    "→",
    Grid(q - hot, "gradient", "loss", digits=2),
    alt="The answers minus the truth, class 0 for both, are the gradients of the samples' losses: −0.16, 0.11, 0.04 for the sample that is nearly right, and −0.98,"
    " 0.49, 0.49 for the one that is wrong.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The loss is $-\ln q_y = -z_y + \ln \sum_j e^{z_j}$. Differentiate with respect to $z_k$: the first term gives $-1$ for $k = y$ and 0 otherwise, the second
# gives $e^{z_k} / \sum_j e^{z_j} = q_k$. So the gradient is the answer minus the truth,
#
# $$\frac{\partial L}{\partial z_k} = q_k - p_k,$$
#
# here 0.1 for each wrong class and 0.1 − 1 = −0.9 for the right one. In the picture the sample that is nearly right is hardly pulled. Each row adds up to 0: what one class loses, others gain. With the mean over $N$ samples
# everything is divided by $N$.
#
# </details>
#
# ### Exercise: The gradient of cross-entropy
#
# Write `cross_entropy_gradient(logits, target)`: the gradient of `F.cross_entropy(logits, target)`, a mean over samples, with respect to the logits.
#
# - Do not let PyTorch differentiate: no function with `grad` or `backward` in its name, and none of torch's own losses (`loss`, `entropy`).
# - `logits` has shape `(N, C)`, float32 or float64, values between −10,000 and 10,000.
# - `target` holds either class indices (shape `(N,)`, int64) or probabilities that add up to 1 in each row (shape `(N, C)`, the dtype of the
#   logits).
# - Either may be a transposed or strided view. Neither is changed. The result has the shape and dtype of the logits.
#
# <details><summary>Hint 1: which kind of target?</summary>
#
# `target.dim()` tells the two apart, and so does `target.is_floating_point()`. Bring the first kind into the form of the second.
#
# </details>
#
# <details><summary>Hint 2: the probabilities</summary>
#
# `torch.softmax` does not overflow, and it is allowed here. Along which dimension are the classes?
#
# </details>


# %% exercise="cross_entropy_gradient" difficulty=2 minutes=8
def cross_entropy_gradient(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The gradient of the mean cross-entropy.

    logits: (N, C). target: (N,), int64, or (N, C), float. Returns: (N, C).
    """
    ### BEGIN SOLUTION
    p = target if target.dim() == 2 else F.one_hot(target, logits.shape[1])
    return (torch.softmax(logits, dim=1) - p) / len(logits)
    ### END SOLUTION


# %% check="cross_entropy_gradient" points=2
g = torch.Generator().manual_seed(161)


def attempt(z, y):
    """One call, without autograd; what it did to its arguments is looked at first."""
    kept = [z.detach().clone(), y.clone()]
    with forbidden("grad", "backward", "loss", "entropy"):
        answer = cross_entropy_gradient(inplace(z), inplace(y))
    for name, now, before in zip(("logits", "target"), (z, y), kept):
        if not torch.equal(now, before):
            advice = "Your code writes into it: make a new tensor."
            require(False, f"the call does not change {name} of shape {tuple(before.shape)}", advice)
    return answer.detach() if isinstance(answer, torch.Tensor) else answer


def by_autograd(z, y):
    leaf = z.detach().clone().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(leaf, y), leaf)[0]


z, y = torch.randn(3, 4, generator=g), torch.tensor([1, 3, 1])
first, wanted_first = attempt(z, y), by_autograd(z, y)
q = torch.softmax(z, 1)
expect(
    first,
    wanted_first,
    "cross_entropy_gradient(z, y) for logits of shape (3, 4) and class indices",
    mistakes={
        "The division by the number of samples is missing: the loss is a mean.": wanted_first * 3,
        "You divided by the number of elements, 12: the mean is over the 3 samples.": wanted_first / 4,
        "The sign is wrong: answer minus truth.": -wanted_first,
        "The softmax went over the samples: the classes are in dimension 1.": wanted_first + (z.softmax(0) - q) / 3,
        "The truth is missing: subtract 1 at the right class.": q / 3,
        "You gave only the right class a gradient: the others get q / N.": wanted_first.where(wanted_first < 0, 0.0),
        "1 was subtracted in whole columns: only in row n at class target[n].": (q - torch.tensor([0.0, 1.0, 0.0, 1.0]))
        / 3,
        "These are logits minus truth: take the softmax first.": wanted_first + (z - q) / 3,
    },
)
y = torch.tensor([0, 0, 0])
expect(
    attempt(z, y),
    by_autograd(z, y),
    "the same logits with the class indices 0, 0, 0",
    mistakes={"F.one_hot counts only the classes that occur: tell it how many there are.": (q - 1) / 3},
)
p = torch.tensor([[0.5, 0.5, 0, 0], [0.1, 0.2, 0.3, 0.4], [0, 0, 1, 0]])
expect(
    attempt(z, p),
    by_autograd(z, p),
    "the same logits with probabilities as target",
    mistakes={
        "You made each row of the target one-hot: use its probabilities as they are.": by_autograd(z, p.argmax(1)),
        "The division by the number of samples is missing with probabilities.": by_autograd(z, p) * 3,
        "With probabilities you divided by all 12 elements: divide by the 3 samples.": by_autograd(z, p) / 4,
    },
)
z, y = torch.tensor([[9000.0, 6000.0], [-8000.0, -9000.0]]), torch.tensor([1, 1])
answer = attempt(z, y)
odd = isinstance(answer, torch.Tensor) and bool(answer.isnan().any())
advice = "nan: exp overflowed, or all exponentials of a row became 0. torch.softmax takes care of both."
require(not odd, "no nan for the logits (9000, 6000), (−8000, −9000)", advice)
expect(
    answer,
    torch.tensor([[0.5, -0.5], [0.5, -0.5]]),
    "the gradient for these logits and the class indices 1, 1",
    mistakes={
        "The logits were clamped: only their differences count.": torch.tensor([[0.25, -0.25]] * 2),
        "The class indices were taken for probabilities, because N equals C here.": torch.tensor([[0.0, -0.5]] * 2),
    },
)


def try_many(seed, sizes):
    """Other sizes, both kinds of target, both dtypes, strided views, extreme logits, and logits that want a gradient."""
    g = torch.Generator().manual_seed(seed)
    answers, wanted = {}, {}
    for number, (n, c) in enumerate(sizes):
        dtype = torch.float64 if number % 3 == 1 else torch.float32
        z = torch.randn(n, c, generator=g, dtype=dtype) * (1, 10, 3000)[number % 3]
        z, what = z.clamp(-10_000, 10_000), f"logits of shape ({n}, {c}), {dtype}"
        if number % 2:
            z, what = z.t().contiguous().t(), f"{what}, transposed"
        for kind in ("class indices", "probabilities"):
            y = torch.randint(0, c, (2 * n,), generator=g)[::2]
            if kind == "probabilities":
                y = torch.softmax(2 * torch.randn(n, c, generator=g, dtype=dtype), 1)
                y = y.t().contiguous().t() if number % 4 == 1 else y
            if number % 4 == 2:
                z = z.detach().requires_grad_()
            answers[f"{what}, {kind}"], wanted[f"{what}, {kind}"] = len(z) * attempt(z, y), len(z) * by_autograd(z, y)
    for dtype, tolerance in {torch.float32: 1e-4, torch.float64: 1e-9}.items():
        keys = [key for key in wanted if wanted[key].dtype == dtype]
        mine, right = ({key: store[key] for key in keys} for store in (answers, wanted))
        what = f"{len(keys)} more gradients, times N, in {str(dtype)[6:]}"
        expect(mine, right, what, rtol=tolerance, atol=tolerance / 10)


try_many(162, [(1, 3), (5, 5), (4, 2), (3, 7), (1000, 3), (2, 1), (6, 4), (1, 1), (3, 3), (8, 10), (4, 1000)])
expect(first, wanted_first, "the first result, after all other calls")
### BEGIN HIDDEN TESTS
try_many(163, [(1, 5), (4, 4), (6, 2), (2, 9), (700, 4), (3, 1), (5, 3), (1, 2), (7, 7), (9, 10), (5, 600)])
### END HIDDEN TESTS

# %% [markdown]
# ## Inside the family of losses
#
# All these modules are small. They share a base class with a single attribute, `nn.modules.loss._Loss`. Without the support for
# old arguments (`size_average` and `reduce`), it and the class below it read
#
# ```python
# class _Loss(nn.Module):
#     def __init__(self, reduction="mean"):
#         super().__init__()
#         self.reduction = reduction
#
# class _WeightedLoss(_Loss):
#     def __init__(self, weight=None, reduction="mean"):
#         super().__init__(reduction)
#         self.register_buffer("weight", weight)
# ```
#
# The underscore marks a class as internal: it is not in the documentation, but you see it when you read the source. Each loss adds its own
# attributes and a `forward` of one line, which calls the function with them. For `CrossEntropyLoss` that is `F.cross_entropy(input, target, weight=self.weight, ignore_index=self.ignore_index, …)`.
#
# The last loss below is created with a typo.
#
# **Before you run it:** is the weight among the parameters? Is it in the `state_dict`? And when will the typo be noticed: when the loss is created, or when it is called?

# %% predict
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]), label_smoothing=0.1)
print("family:    ", " → ".join(kind.__name__ for kind in type(criterion).__mro__[:-1]))
print("parameters:", list(criterion.parameters()))
print("state_dict:", dict(criterion.state_dict()))
print("attributes:", {name: getattr(criterion, name) for name in ["reduction", "ignore_index", "label_smoothing"]})

typo = nn.CrossEntropyLoss(reduction="avarage")
print("created:   ", typo)
try:
    typo(torch.zeros(1, 2), torch.tensor([0]))
except ValueError as error:
    print("called:     ValueError:", error)

# %% predict folded label="Draw the family"
members = {
    "_Loss\nreduction": ["MSELoss, L1Loss", "KLDivLoss\nlog_target", "BCEWithLogitsLoss\nweight, pos_weight"],
    "_WeightedLoss\nweight": ["BCELoss", "NLLLoss\nignore_index", "CrossEntropyLoss\nignore_index, label_smoothing"],
}
figure, ax = plt.subplots(figsize=(6.2, 5.4), layout="constrained")


def family_box(x, y, text, width, role):
    first, _, rest = text.partition("\n")
    ax.add_artist(plt.Rectangle((x, y - 0.55), width, 1.1, fc=(COLOURS[role], 0.2), ec=COLOURS[role], lw=1.8))
    ax.text(
        x + width / 2,
        y + (0.25 if rest else 0),
        first,
        ha="center",
        va="center",
        fontsize=10.5,
        weight="bold",
        color=INK,
    )
    ax.text(x + width / 2, y - 0.2, rest, ha="center", va="center", fontsize=9.5, color=INK, linespacing=1.05)


for row, (base, kinds) in enumerate(members.items()):
    top = 8.0 - 5.1 * row
    family_box(0.2 + 1.2 * row, top, base, 3.4, "learned")
    for k, kind in enumerate(kinds):
        y = top - 1.35 * (k + 1) if row == 1 else top - 1.25 * (k + 1)
        family_box(5.2, y, kind, 4.6, "plain")
        ax.plot([2.6 + 1.2 * row] * 2 + [5.2], [top - 0.55, y, y], color=INK, lw=1.2)
ax.plot([1.0, 1.0, 1.4], [7.45, 2.9, 2.9], color=INK, lw=1.2)
ax.text(0.2, 9.2, "nn.Module", ha="left", va="center", fontsize=11, color=INK)
ax.plot([1.0, 1.0], [8.95, 8.55], color=INK, lw=1.2)
ax.set(xlim=(0, 10), ylim=(-1.9, 9.6))
ax.axis("off")
show(
    figure,
    alt="A family tree with the attributes that each class adds. From nn.Module comes _Loss with reduction. From _Loss come MSELoss, L1Loss, KLDivLoss with"
    " log_target, BCEWithLogitsLoss with weight and pos_weight, and _WeightedLoss with weight. From _WeightedLoss come BCELoss, NLLLoss with ignore_index,"
    " and CrossEntropyLoss with ignore_index and label_smoothing.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# - The weight is a **buffer** (`11_inside_module`), a tensor that a module keeps without training it. It is not a parameter, so no optimizer
#   changes it. But it is in the `state_dict`, it is saved with the module, and `criterion.to(device)` moves it.
#   (A loss with weights must be moved to the GPU like a network.)
# - The module only stores the word. The function checks it, when the loss is first called.
# - So a loss of your own takes about ten lines: derive from `nn.Module`, keep the options, call a function in `forward`.
#
# </details>
#
# ## How far apart are two distributions?
#
# Cross-entropy is the number of bits that a code made for $Q$ needs; entropy is the fewest that any code needs. The difference is what a
# wrong $Q$ wastes: the **Kullback-Leibler divergence**,
#
# $$\mathrm{KL}(P \,\|\, Q) = H(P, Q) - H(P) = \sum_i p_i \log_2 \frac{p_i}{q_i}.$$
#
# It is 0 if the two are equal, and never negative. A second station expects much the same sun and clouds as the first, $P$, but rain in place of nearly all the snow:

# %%
P = torch.tensor([0.5, 0.25, 0.125, 0.125])  # sun, clouds, rain, snow
Q = torch.tensor([0.4, 0.3, 0.299, 0.001])

# %% [markdown]
# **Before you run it:** is $\mathrm{KL}(P\|Q)$ the same as $\mathrm{KL}(Q\|P)$? If not, which is larger?


# %% predict
def bits(p, q):
    return (p * (1 / q).log2()).sum()


print(f"KL(P‖Q) = {bits(P, Q):.3f} − {bits(P, P):.3f} = {bits(P, Q) - bits(P, P):.3f} bits")
print(f"KL(Q‖P) = {bits(Q, P):.3f} − {bits(Q, Q):.3f} = {bits(Q, P) - bits(Q, Q):.3f} bits")

# %% predict folded label="Draw both distributions and their divergences"
figure, axes = plt.subplots(3, 1, figsize=(5.6, 7.2), sharex=True, layout="constrained")
places = torch.arange(4)
axes[0].bar(places - 0.2, P, 0.38, color=COLOURS["plain"], label="P")
axes[0].bar(places + 0.2, Q, 0.38, color=COLOURS["output"], hatch="..", edgecolor="white", label="Q")
axes[0].set_ylabel("probability", fontsize=11)
axes[0].set_title("two distributions", fontsize=12)
axes[0].legend(frameon=False, fontsize=12)
for ax, name, p, q in [(axes[1], "KL(P‖Q)", P, Q), (axes[2], "KL(Q‖P)", Q, P)]:
    terms = p * (p / q).log2()
    for place, term in zip(places.tolist(), terms.tolist()):
        ax.bar(place, term, 0.7, color=COLOURS["loss"], alpha=0.75, hatch="//" if term < 0 else None, edgecolor="white")
        ax.text(
            place,
            term + (0.03 if term >= 0 else -0.03),
            f"{term:.2f}".replace("-", "−"),
            ha="center",
            va="bottom" if term >= 0 else "top",
            fontsize=11,
            color=INK,
        )
    ax.axhline(0, color=INK, lw=1)
    ax.set(ylim=(-0.3, 1.1))
    ax.set_ylabel("bits", fontsize=11)
    ax.set_title(f"{name}: the terms add up to {terms.sum().item():.3f}", fontsize=12)
axes[2].set_xticks(places, ["sun", "clouds", "rain", "snow"], fontsize=11)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=11)
show(
    figure,
    alt="Three panels over sun, clouds, rain and snow. Above, P with 0.5, 0.25, 0.125, 0.125 and Q with 0.4, 0.3, 0.299, 0.001. In the middle the terms"
    " of KL(P‖Q): 0.16, −0.07, −0.16, 0.87, in all 0.809. Below the terms of KL(Q‖P): −0.13, 0.08, 0.38, −0.01, in all 0.319.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The divergence is not symmetric. Snow falls on one day in eight, and $Q$ is taken by surprise each time: 0.87 bits a day. The other way round, where $Q$ is the
# truth, snow hardly ever comes, so it costs next to nothing that $P$ expects it; rain costs most, because it comes on three days in ten. $\mathrm{KL}(P\|Q)$ is large where $P$ has probability and $Q$ has almost none. Single terms can be negative; their sum cannot.
#
# </details>
#
# In training, $P$ is the truth. $H(P)$ does not depend on the network, so cross-entropy and KL have the same gradient. With one-hot targets, $H(P) = 0$, and the two are equal. Use KL when the target is a
# distribution and you want a loss that can reach 0: when a small network learns the answers of a large one (*distillation*), for instance.
#
# ### `KLDivLoss`, and what it wants
#
# `nn.KLDivLoss`, or `F.kl_div(input, target)`, has three pitfalls:
#
# - the `input` must hold **log**-probabilities, $\ln q$; the `target` holds probabilities $p$ (or $\ln p$ with `log_target=True`);
# - the order is input, target: $Q$ first, then $P$;
# - before the reduction there is one number for each *element*, $p\,(\ln p - \ln q)$, in nats.
#
# | `reduction` | result |
# |---|---|
# | `"none"` | all elements |
# | `"sum"` | their sum |
# | `"batchmean"` | their sum divided by the size of dimension 0, $N$ |
# | `"mean"` (the default!) | their sum divided by the number of elements |
#
# Here are two pairs of distributions with four classes.
#
# **Before you run it:** the divergences of the two pairs are 0.561 and 0.221 nats. What will each of the three reductions print? What
# happens if you forget the logarithm?

# %% predict
p = torch.stack([P, Q])  # the truth, (2, 4)
q = torch.stack([Q, P])  # the answers, (2, 4)
print("each row:      {:.3f} and {:.3f} nats".format(*F.kl_div(q.log(), p, reduction="none").sum(dim=1).tolist()))
for reduction in ["sum", "batchmean", "mean"]:
    print(f"{reduction:14} {nn.KLDivLoss(reduction=reduction)(q.log(), p).item():.3f}")
print(f"log_target:    {F.kl_div(q.log(), p.log(), reduction='batchmean', log_target=True).item():.3f}")
print(f"no logarithm:  {F.kl_div(q, p, reduction='batchmean').item():.3f}")

# %% [markdown]
# <details><summary>Why?</summary>
#
# In bits the rows were 0.809 and 0.319; in nats they are 0.561 and 0.221. Their sum is 0.782. Their mean is 0.391, and that is `"batchmean"`. `"mean"` divides by 4 once more, to 0.098, so the loss depends
# on the number of classes. PyTorch warns you (above), and plans to change it. Write `reduction="batchmean"`.
#
# Without the logarithm the result is negative, because $p\,(\ln p - q)$ is never above 0. A divergence is never negative, so a negative value tells you what is wrong. If your target comes out of a
# `log_softmax` as well, pass it as it is, with `log_target=True`: then no $\ln 0$ can arise from a $p$ that was rounded to 0. (Then call `detach()` on it: a loss sends gradients to its target, too.)
#
# </details>
#
# ### Exercise: KL with every reduction
#
# Write `kl_div(input, target, reduction="mean", log_target=False)`, as `F.kl_div` does it:
#
# - Use none of torch's own losses: no `F.kl_div`, no function with `loss` or `entropy` in its name.
# - `input` holds $\ln q$; `target` holds $p$, or $\ln p$ if `log_target` is true. Both have the same shape, of at least one dimension, and the same
#   dtype, float32 or float64. Either may be a transposed or strided view. Neither is changed.
# - Each element is $p\,(\ln p - \ln q)$. Where $p = 0$ it is 0. ($\ln q$ is always finite; with `log_target`, so is $\ln p$.)
# - `"none"` gives all elements. `"sum"`, `"mean"` and `"batchmean"` give a 0-d tensor. `"batchmean"` divides the sum by the size of dimension 0. Any other word raises a `ValueError`.
# - The result has the dtype of `input`. Gradients flow to `input`.
#
# <details><summary>Hint 1: the order of things</summary>
#
# First the elements, with $p$ and $\ln p$ computed in one of two ways. Then the reduction, as in `l1` in `05_mse_loss`.
#
# </details>
#
# <details><summary>Hint 2: zeros</summary>
#
# $0 \cdot \ln 0$ is `nan` again. You had the same problem in the first exercise.
#
# </details>


# %% exercise="kl_div" difficulty=3 minutes=12
def kl_div(
    input: torch.Tensor, target: torch.Tensor, reduction: str = "mean", log_target: bool = False
) -> torch.Tensor:
    """The Kullback-Leibler divergence of rows of probabilities.

    input: ln q. target: p, or ln p with log_target; of the same shape.
    Returns: a tensor of that shape for "none", else a 0-d tensor.
    """
    ### BEGIN SOLUTION
    if log_target:
        elements = target.exp() * (target - input)
    else:
        elements = torch.xlogy(target, target) - target * input
    if reduction == "none":
        return elements
    if reduction == "sum":
        return elements.sum()
    if reduction == "mean":
        return elements.mean()
    if reduction == "batchmean":
        return elements.sum() / len(elements)
    raise ValueError(f"unknown reduction: {reduction!r}")
    ### END SOLUTION


# %% check="kl_div" points=3
g = torch.Generator().manual_seed(171)


def attempt(log_q, p, reduction=None, log_target=False, named=True):
    """One call, watched; what it did to its arguments is looked at first."""
    kept = [log_q.detach().clone(), p.clone()]
    with forbidden("kl_div", "loss", "entropy"):
        if reduction is None:
            answer = kl_div(inplace(log_q), inplace(p))
        elif not log_target and named:
            answer = kl_div(inplace(log_q), inplace(p), reduction=reduction)
        elif named:
            answer = kl_div(inplace(log_q), inplace(p), reduction=reduction, log_target=True)
        else:
            answer = kl_div(inplace(log_q), inplace(p), reduction, log_target)
    for name, now, before in zip(("input", "target"), (log_q, p), kept):
        if not torch.equal(now, before):
            advice = "Your code writes into it: make a new tensor."
            require(False, f"the call does not change {name} of shape {tuple(before.shape)}", advice)
    return answer


def reference(log_q, p, reduction="mean", log_target=False):
    """torch's operator, which gives no warning."""
    if reduction == "batchmean":
        return reference(log_q, p, "sum", log_target) / log_q.shape[0]
    number = ["none", "mean", "sum"].index(reduction)
    return torch.ops.aten.kl_div(log_q, p, number, log_target=log_target)


def rows(*shape, dtype=torch.float32):
    return torch.softmax(2 * torch.randn(*shape, generator=g, dtype=dtype), -1)


p, q = rows(3, 4), rows(3, 4)
log_q = q.log()
total = reference(log_q, p, "sum")
first, wanted_first = attempt(log_q, p, "none"), reference(log_q, p, "none")
expect(
    first,
    wanted_first,
    'kl_div(log_q, p, "none") for shape (3, 4)',
    mistakes={
        "The sign is wrong: ln p − ln q, not the other way round.": -wanted_first,
        "You took the logarithm of the input: it already holds ln q.": torch.full((3, 4), math.nan),
        "The entropy is missing: this is the cross-entropy, −p ln q.": -p * log_q,
        "Input and target are swapped: the target is p, by which you multiply.": reference(p.log(), q, "none"),
        "The factor p is missing.": (p.log() - log_q),
        "p was taken for ln p: the target holds ln p only with log_target.": p.exp() * (p - log_q),
        'One number for each row: "none" keeps all elements.': wanted_first.sum(1),
        "These are bits: the natural logarithm is asked for.": wanted_first / math.log(2),
    },
)
expect(
    attempt(log_q, p, reduction="sum"),
    total,
    'kl_div(log_q, p, reduction="sum")',
    mistakes={"You added up the rows only: add up all elements.": wanted_first.sum(1)},
)
expect(
    attempt(log_q, p, reduction="batchmean"),
    total / 3,
    'kl_div(log_q, p, reduction="batchmean")',
    mistakes={
        'This is "mean": "batchmean" divides by the number of rows, 3.': total / 12,
        'You divided by the number of classes: "batchmean" divides by the number of rows, 3.': total / 4,
        'This is "sum": divide it by the number of rows, 3.': total,
    },
)
expect(
    attempt(log_q, p),
    total / 12,
    "kl_div(log_q, p), no reduction given",
    mistakes={
        'This is "batchmean". The default is "mean", as in PyTorch: divide by all 12 elements.': total / 3,
        'This is "sum". The default is "mean".': total,
        'Nothing was reduced. The default is "mean".': wanted_first,
        "The value is right, but it is a Python number: return the tensor (no .item()).": (total / 12).item(),
    },
)
expect(
    attempt(log_q, p.log(), "batchmean", log_target=True),
    total / 3,
    'kl_div(log_q, log_p, "batchmean", log_target=True)',
    mistakes={
        "Your code ignores `log_target`.": torch.tensor(math.nan),
        "Your code ignores `log_target`: here the target holds ln p.": torch.tensor(0.0),
        "ln p was taken for p: with log_target, p is target.exp().": (p.log() * (p.log() - log_q)).sum() / 3,
    },
)
holes = torch.tensor([[0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0], [0.25, 0.25, 0.25, 0.25]])
answer = attempt(log_q, holes, "none", named=False)
expect(
    answer,
    reference(log_q, holes, "none"),
    "kl_div with zeros in the target",
    mistakes={
        "0 · ln 0 is nan: where p is 0, the element is 0.": reference(log_q, holes, "none").where(holes > 0, math.nan)
    },
)
advice = "A small number was added to p, or p was clamped: choose 0 where p is 0."
require(bool((answer[holes == 0] == 0).all()), "the elements where p is 0 are exactly 0", advice)
cube, log_cube = rows(2, 3, 4), rows(2, 3, 4).log()
total = reference(log_cube, cube, "sum")
expect(
    attempt(log_cube, cube, "batchmean"),
    total / 2,
    'kl_div(…, "batchmean") for shape (2, 3, 4)',
    mistakes={'"batchmean" divides by the size of dimension 0 alone, here 2, in any shape.': total / 6},
)
for dtype, low in {torch.float32: -200.0, torch.float64: -800.0}.items():
    log_q, p = torch.tensor([[low, 0.0]], dtype=dtype), torch.tensor([[0.5, 0.5]], dtype=dtype)
    advice = f"You went back to q: exp({low:.0f}) is 0, and ln 0 is −∞. Subtract the input itself."
    what = f'kl_div(log_q, p, "sum") for ln q = ({low:.0f}, 0), p = (1/2, 1/2)'
    infinite = torch.tensor(math.inf, dtype=dtype)
    expect(attempt(log_q, p, "sum"), reference(log_q, p, "sum"), what, mistakes={advice: infinite})
log_q, p = (torch.tensor([row], dtype=torch.float64) for row in ([-1e-4, -9.21039], [1 - 1e-7, 1e-7]))
right, answer = reference(log_q, p, "none"), attempt(log_q, p, "none")
if isinstance(answer, torch.Tensor) and answer.shape == right.shape and answer.dtype == right.dtype:
    error = float(((answer - right) / right).abs().max())
    advice = "Digits were lost: a small number was added to p, or float32 was used on the way."
    require(not 1e-9 < error < 0.1, "kl_div where p is 1e-7, in float64, to nine digits", advice)
expect(
    answer,
    right,
    "kl_div where p is 1e-7, in float64",
    mistakes={"p = 1e-7 was taken for 0: only where p is exactly 0 is the element 0.": right * (p > 0.5)},
    rtol=1e-6,
)


def try_many(seed, shapes):
    """Each reduction, both kinds of target, several shapes and layouts, both dtypes; values and gradients."""
    g.manual_seed(seed)
    answers, wanted = {}, {}
    words = ["none", "sum", "mean", "batchmean"]
    for number, shape in enumerate(shapes):
        dtype = torch.float64 if number % 3 == 1 else torch.float32
        for turn in range(0, 4, 1 if len(shape) > 2 else 2):  # every word for shapes like (2, 3, 4), else two of them
            log_target, word = (number + turn + turn // 2) % 2 == 1, words[(number + number // 4 + turn + seed) % 4]
            p, log_q = rows(*shape, dtype=dtype), rows(*shape, dtype=dtype).log()
            if log_target:
                p = p.log()
            elif number % 2:
                p = p.where(p > p.mean(), 0.0)
            if number % 4 > 1:
                p, log_q = (torch.stack([t, -t - 1], -1)[..., 0] for t in (p, log_q))
            leaf = log_q.detach().requires_grad_()
            answer = attempt(leaf.view_as(leaf), p, word, log_target, named=number % 2 == 0)
            right = reference(leaf, p, word, log_target)
            what = f'shape {shape}, {dtype}, "{word}", log_target={log_target}'
            answers[what], wanted[what] = answer, right.detach()
            if not (isinstance(answer, torch.Tensor) and answer.shape == right.shape):
                continue
            if not answer.requires_grad:
                require(False, f"gradients flow for {what}", "The path is cut: .data, .detach() and the like do that.")
            answers[what] = answer.detach()
            upstream = torch.rand(right.shape, generator=g).to(dtype) + 1
            for value, store in ((answer, answers), (right, wanted)):
                (grad,) = torch.autograd.grad((value * upstream).sum(), leaf, allow_unused=True)
                store[f"{what}: the gradient of the result times other numbers"] = grad
    for dtype, tolerance in {torch.float32: 1e-4, torch.float64: 1e-9}.items():
        keys = [key for key in wanted if wanted[key].dtype == dtype]
        mine, right = ({key: store[key] for key in keys} for store in (answers, wanted))
        what = f"{len(keys)} more values and gradients, in {str(dtype)[6:]}"
        expect(mine, right, what, rtol=tolerance, atol=tolerance / 10)


try_many(172, [(5, 3), (4, 4), (1, 6), (7, 2), (6,), (2, 3, 4), (300, 5), (3, 1), (2, 2, 3, 2)])


def refuse(*words):
    for word in words:
        what = f'kl_div(…, reduction="{word}") raises ValueError'
        advice = "After the four known words, write `raise ValueError(...)`."
        expect_error(ValueError, lambda word=word: kl_div(log_q, p, reduction=word), what, advice)


refuse("average", "batch_mean", "Mean", "None", "batch")
expect(first, wanted_first, "the first result, after all other calls")
### BEGIN HIDDEN TESTS
try_many(175, [(4, 3), (5, 5), (1, 4), (6, 2), (3,), (3, 2, 5), (200, 4), (2, 1), (2, 3, 2, 2)])
refuse("max", "SUM", "means", "sum ", "batchMean")
### END HIDDEN TESTS

# %% [markdown]
# ## Put to work: the most surprising digits
#
# Now your functions train a network that reads digits: `soft_targets` and `log_softmax` make the loss, `nll` judges it on the images that were held out. One network
# learns with one-hot targets; a second one, from the same start, with a smoothing of 0.1.


# %% folded label="What stands in for unsolved exercises"
def course_targets(labels, num_classes, smoothing=0.0):
    return torch.full((len(labels), num_classes), smoothing / num_classes).scatter(
        1, labels[:, None], 1 - smoothing + smoothing / num_classes
    )


def course_kl(input, target, reduction):
    return F.kl_div(input, target, reduction=reduction)


# %% yours
log_softmax_of = yours_or_ours(log_softmax, torch.log_softmax, torch.randn(4, 10), 1)
nll_of = yours_or_ours(nll, F.nll_loss, torch.randn(4, 3), torch.tensor([0, 2, 1, 1]))
targets_of = yours_or_ours(soft_targets, course_targets, torch.tensor([0, 2, 1]), 4, 0.1)
kl_of = yours_or_ours(kl_div, course_kl, torch.randn(2, 3), torch.full((2, 3), 1 / 3), "none")

held_out = torch.arange(len(labels)) % 5 == 4
pixels = images.flatten(1) / 16
x_train, y_train, x_test, y_test = pixels[~held_out], labels[~held_out], pixels[held_out], labels[held_out]


def train_reader(smoothing, steps=150):
    """A network of two layers, trained on all images at once; its log-probabilities for the held-out images."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    targets = targets_of(y_train, 10, smoothing)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = -(targets * log_softmax_of(net(x_train), 1)).sum(dim=1).mean()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return log_softmax_of(net(x_test), 1)


answers = {smoothing: train_reader(smoothing) for smoothing in (0.0, 0.1)}

# %% [markdown]
# **Before you run it:** which network is right more often on the held-out images? Which is more surprised by them on average, and which by its worst image?

# %% predict
truth = F.one_hot(y_test, 10).float()
surprises = {}
for smoothing, log_q in answers.items():
    surprises[smoothing] = bits_of(truth, log_q.exp())
    accuracy = (log_q.argmax(1) == y_test).float().mean().item()
    mean, largest = surprises[smoothing].mean().item(), surprises[smoothing].max().item()
    print(f"smoothing {smoothing}: accuracy {accuracy:.1%}, held-out loss {nll_of(log_q, y_test).item():.3f} nats")
    print(f"               surprise: {mean:.3f} bits on average, {largest:.1f} bits for the worst image")

# %% predict folded label="Draw the most surprising digits and the surprises"
plain = surprises[0.0]
worst = plain.argsort(descending=True)[:8].tolist()
draw_images(
    x_test[worst].reshape(-1, 8, 8),
    [f"is {y_test[i]}, read {answers[0.0][i].argmax()}\n{plain[i]:.1f} bits" for i in worst],
    columns=4,
    alt="The eight held-out digits that most surprise the network with one-hot targets, with their label, what the network reads, and the surprise in bits.",
)
figure, axes = plt.subplots(2, 1, figsize=(5.6, 4.6), sharex=True, sharey=True, layout="constrained")
for ax, (smoothing, surprise) in zip(axes, surprises.items()):
    ax.hist(surprise.clamp(min=1e-4), bins=torch.logspace(-4, 1.3, 50).tolist(), color=COLOURS["loss"], alpha=0.8)
    ax.axvline(1.0, color=INK, ls="--", lw=1.2)
    ax.set(xscale="log")
    ax.set_ylabel("images", fontsize=11)
    ax.set_title(f"smoothing {smoothing}", fontsize=12)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=11)
axes[1].set_xlabel("surprise in bits (first bar: 0.0001 or less; dashed: 1 bit)", fontsize=11)
show(
    figure,
    alt="Two histograms of the surprise in bits on a logarithmic axis, one for each network. With one-hot targets most images have less than a tenth of a bit,"
    " and a few have several bits. With smoothing most have between 0.05 and 0.5 bits, and the largest surprises are smaller.",
)

# %% [markdown]
# <details><summary>Why?</summary>
#
# The two are right about equally often. But the first network is certain of nearly everything, its mistakes included. On its worst image it
# gave the right class a probability of about $2^{-14}$. The second one has learned to leave about 0.1 for the other classes, so a typical image costs it about 0.15
# bits, and its mean surprise is larger. In return, no image surprises it by more than a few bits.
#
# Accuracy counts who is right. Cross-entropy also asks how sure you were. If confident mistakes are expensive, look at the largest
# surprises, not only at the mean.
#
# </details>
#
# Last, your `kl_div` finds the images on which the two networks disagree most: $\mathrm{KL}(P\|Q)$, with the answer of the first network as $P$ and that of the second as $Q$.

# %% yours
apart = kl_of(answers[0.1], answers[0.0].exp(), "none").sum(dim=1) / math.log(2)
print(f"mean divergence: {apart.mean().item():.3f} bits")

# %% yours folded label="Draw the digits that divide the networks"
most, both = apart.argsort(descending=True)[:8].tolist(), [("one-hot", answers[0.0]), ("smoothed", answers[0.1])]
draw_images(
    x_test[most].reshape(-1, 8, 8),
    [
        "\n".join([f"is {y_test[i]}", *(f"{name}: {q[i].argmax()} ({q[i].max().exp():.0%})" for name, q in both)])
        for i in most
    ],
    columns=4,
    cell=1.45,
    alt="The eight held-out digits on which the two networks differ most, each with its label and with the class that each network reads, and how sure it is.",
)

# %% [markdown]
# ## Recap
#
# Answer from memory, then unfold.
#
# <details><summary>1. A model gives the right class the probability 1/8. What is the cross-entropy, in bits and in nats? With which loss does the gradient nearly vanish when the model is
# badly wrong, and why not with the other?</summary>
#
# $\log_2 8 = 3$ bits, or $3 \ln 2 = 2.08$ nats. With squared error after a sigmoid: its slope has the factor $q\,(1 - q)$, which is near 0 when $q$ is. In cross-entropy this factor
# cancels, and the slope is $q - y$.
#
# </details>
#
# <details><summary>2. Your network ends with a softmax, and you train with <code>nn.CrossEntropyLoss</code>. What goes wrong, and what are the two ways out?</summary>
#
# The loss applies a second softmax, so with ten classes it cannot get below 1.46. Either drop the softmax and pass logits to `CrossEntropyLoss`, or end with `LogSoftmax` and use
# `NLLLoss`. Do not take the logarithm of a softmax: a probability that has become 0 gives −∞.
#
# </details>
#
# <details><summary>3. How do you compute a log-softmax without overflow? Which <code>reduction</code> of <code>KLDivLoss</code> gives the true divergence, and what does its input hold?</summary>
#
# Subtract the largest logit of each row first; then no exponent is above 0, and the sum is at least 1. `"batchmean"`: the sum over classes, the mean over samples. The input holds
# log-probabilities $\ln q$, the target probabilities $p$.
#
# </details>
#
# **Next:** all notebooks so far had their data in one tensor. `14_data_pipelines` reads them from a file, changes each sample on the way, and
# hands them to the training loop in batches.
