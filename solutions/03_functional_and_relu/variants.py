# %% [markdown]
# # Right and wrong answers to the exercises of 03_functional_and_relu
#
# The checks must accept the right ones and reject the wrong ones, with the message that leads to the mistake.

# %% right="relu"
def relu(x):
    return x.clamp(min=0)


# %% right="relu"
def relu(x):
    return torch.maximum(x, torch.zeros_like(x))


# %% right="relu"
def relu(x):
    y = x.clone()
    y[y < 0] = 0
    return y


# %% right="relu"
def relu(x):
    return x.masked_fill(x < 0, 0)


# %% wrong="relu" says="You wrote the result into x"
# in place
def relu(x):
    return x.clamp_(min=0)


# %% wrong="relu" says="absolute value"
# negative values are reflected
def relu(x):
    return x.abs()


# %% wrong="relu" says="the shape must stay"
# a mask as an index selects and loses the shape
def relu(x):
    return x[x > 0]


# %% wrong="relu" says="That is the mask"
# the mask alone
def relu(x):
    return (x > 0).to(x.dtype)


# %% wrong="relu" says="turn the condition round"
# minimum for maximum
def relu(x):
    return x.clamp(max=0)


# %% wrong="relu" says="0 · (−∞) and −∞ + ∞ are nan"
# mask times value
def relu(x):
    return x * (x > 0)


# %% wrong="relu" says="You returned x itself"
# a short cut that hands out the input
def relu(x):
    if bool((x >= 0).all()):
        return x
    return torch.where(x > 0, x, 0.0)


# %% wrong="relu" says="The way back is cut"
# leaves autograd
def relu(x):
    return torch.where(x.detach() > 0, x.detach(), 0.0)


# %% wrong="relu" says="The way back is cut"
# a loop over Python numbers
def relu(x):
    return torch.tensor([max(0.0, v) for v in x.flatten().tolist()], dtype=x.dtype).reshape(x.shape)


# %% wrong="relu"
# only for one dimension
def relu(x):
    return torch.stack([v if v > 0 else torch.zeros(()) for v in x])


# %% wrong="relu" says="is a `return` missing?"
# no return
def relu(x):
    torch.where(x > 0, x, 0.0)


# %% wrong="relu" says="The dtypes differ"
# float64 is lost
def relu(x):
    return torch.where(x > 0, x, 0.0).float()


# %% wrong="relu" says="which this exercise asks you to do without"
def relu(x):
    return F.threshold(x, 0.0, 0.0)


# %% wrong="relu" says="which this exercise asks you to do without"
# PyTorch's function
def relu(x):
    return F.relu(x)


# %% wrong="relu" says="which this exercise asks you to do without"
# PyTorch's module
def relu(x):
    return nn.ReLU()(x)


# %% wrong="relu" says="which this exercise asks you to do without"
# a leaky ReLU that does not leak
def relu(x):
    return F.leaky_relu(x, 0.0)


# %% right="relu_backward"
def relu_backward(grad_output, x):
    return grad_output * (x > 0)


# %% right="relu_backward"
def relu_backward(grad_output, x):
    grad_input = grad_output.clone()
    grad_input[x <= 0] = 0
    return grad_input


# %% right="relu_backward"
def relu_backward(grad_output, x):
    return grad_output * x.sign().clamp(min=0)


# %% wrong="relu_backward" says="the chain rule multiplies it by grad_output"
# the derivative alone
def relu_backward(grad_output, x):
    return (x > 0).to(x.dtype)


# %% wrong="relu_backward" says="the gate is open for x > 0"
# derivative 1 at 0
def relu_backward(grad_output, x):
    return grad_output * (x >= 0)


# %% wrong="relu_backward" says="the gate is open where x is positive"
# the ReLU of the gradient
def relu_backward(grad_output, x):
    return grad_output.clamp(min=0)


# %% wrong="relu_backward" says="You used both signs"
# both signs
def relu_backward(grad_output, x):
    return (x > 0) * grad_output.clamp(min=0)


# %% wrong="relu_backward" says="You multiplied by ReLU(x)"
# the value in the place of the derivative
def relu_backward(grad_output, x):
    return grad_output * F.relu(x)


# %% wrong="relu_backward" says="leaves its arguments as they were"
# writes into the gradient
def relu_backward(grad_output, x):
    grad_output[x <= 0] = 0
    return grad_output


# %% wrong="relu_backward" says="which this exercise asks you to do without"
# autograd in the place of the formula
def relu_backward(grad_output, x):
    leaf = x.detach().clone().requires_grad_()
    F.relu(leaf).backward(grad_output)
    return leaf.grad


# %% wrong="relu_backward" says="which this exercise asks you to do without"
# autograd, by its function
def relu_backward(grad_output, x):
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(F.relu(leaf), leaf, grad_output)[0]


# %% right="dead_fraction"
def dead_fraction(h):
    dead = [bool((h[:, j] <= 0).all()) for j in range(h.shape[1])]
    return sum(dead) / len(dead)


# %% right="dead_fraction"
def dead_fraction(h):
    largest = h.amax(dim=[d for d in range(h.dim()) if d != 1])
    return (largest <= 0).double().mean().item()


# %% right="dead_fraction"
def dead_fraction(h):
    flat = h.movedim(1, -1).reshape(-1, h.shape[1])
    return float((F.relu(flat).sum(0) == 0).float().mean())


# %% wrong="dead_fraction" says="A unit is dead if all its values are"
# counts values, not units
def dead_fraction(h):
    return (h <= 0).float().mean().item()


# %% wrong="dead_fraction" says="a dead unit has all of them there"
# any in the place of all
def dead_fraction(h):
    return (h <= 0).any(dim=0).float().mean().item()


# %% wrong="dead_fraction" says="You count samples"
# the wrong dimension
def dead_fraction(h):
    return (h <= 0).all(dim=1).float().mean().item()


# %% wrong="dead_fraction" says="A value of exactly 0"
# less than 0
def dead_fraction(h):
    return (h < 0).all(dim=0).float().mean().item()


# %% wrong="dead_fraction" says=".item()"
# a tensor
def dead_fraction(h):
    return (h <= 0).all(dim=0).float().mean()


# %% wrong="dead_fraction" says="divide it by the number of units"
# not divided
def dead_fraction(h):
    return int((h <= 0).all(dim=0).sum())


# %% wrong="dead_fraction" says="fraction of living units"
# the others
def dead_fraction(h):
    return (h > 0).any(dim=0).float().mean().item()


# %% wrong="dead_fraction" says="You asked over the samples alone"
# right for (N, D), forgets further dimensions
def dead_fraction(h):
    return (h <= 0).all(dim=0).float().mean().item()


# %% wrong="dead_fraction" says="leaves h as it was"
# writes into h
def dead_fraction(h):
    flat = h.clamp_(min=0).transpose(0, 1).flatten(1)
    return (flat == 0).all(dim=1).float().mean().item()


# %% right="leaky_relu"
def leaky_relu(x, negative_slope=0.01):
    return x.clamp(min=0) + negative_slope * x.clamp(max=0)


# %% right="leaky_relu"
def leaky_relu(x, negative_slope=0.01):
    y = x.clone()
    y[x < 0] *= negative_slope
    return y


# %% wrong="leaky_relu" says="You take the larger one"
# right only for slopes up to 1
def leaky_relu(x, negative_slope=0.01):
    return torch.maximum(x, negative_slope * x)


# %% wrong="leaky_relu" says="not the argument"
# ignores the argument
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, 0.01 * x)


# %% wrong="leaky_relu" says="you gave it to the positive ones"
# sides swapped
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, negative_slope * x, x)


# %% wrong="leaky_relu" says="multiply them by it"
# the slope as a value
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, negative_slope)


# %% wrong="leaky_relu" says="The sign of the negative values is lost"
# sign lost
def leaky_relu(x, negative_slope=0.01):
    return torch.where(x > 0, x, negative_slope * x.abs())


# %% wrong="leaky_relu" says="leaves x as it was"
# in place
def leaky_relu(x, negative_slope=0.01):
    x[x < 0] *= negative_slope
    return x


# %% wrong="leaky_relu" says="autograd passes through"
# cut off from autograd
def leaky_relu(x, negative_slope=0.01):
    x = x.detach()
    return torch.where(x > 0, x, negative_slope * x)


# %% wrong="leaky_relu" says="which this exercise asks you to do without"
# PyTorch's function
def leaky_relu(x, negative_slope=0.01):
    return F.leaky_relu(x, negative_slope)


# %% wrong="leaky_relu" says="which this exercise asks you to do without"
# PyTorch's function with a slope for each channel
def leaky_relu(x, negative_slope=0.01):
    return F.prelu(x, torch.tensor([negative_slope], dtype=x.dtype))


# %% right="clipped_relu"
def clipped_relu(x, ceiling=6.0):
    return torch.where(x < 0, 0.0, torch.where(x > ceiling, ceiling, x))


# %% right="clipped_relu"
def clipped_relu(x, ceiling=6.0):
    return F.relu(x) - F.relu(x - ceiling)


# %% right="clipped_relu"
def clipped_relu(x, ceiling=6.0):
    y = x.clone()
    y[x < 0] = 0
    y[x > ceiling] = ceiling
    return y


# %% wrong="clipped_relu" says="The values above the ceiling are still there"
# no ceiling
def clipped_relu(x, ceiling=6.0):
    return F.relu(x)


# %% wrong="clipped_relu" says="The negative values are still there"
# no floor
def clipped_relu(x, ceiling=6.0):
    return x.clamp(max=ceiling)


# %% wrong="clipped_relu" says="they must become the ceiling"
# zero above the ceiling
def clipped_relu(x, ceiling=6.0):
    return torch.where((x > 0) & (x <= ceiling), x, 0.0)


# %% wrong="clipped_relu" says="You clipped at 6"
# ignores the argument
def clipped_relu(x, ceiling=6.0):
    return x.clamp(0, 6)


# %% wrong="clipped_relu" says="the lower limit is 0"
# symmetric
def clipped_relu(x, ceiling=6.0):
    return x.clamp(-ceiling, ceiling)


# %% wrong="clipped_relu" says="You scaled the values"
# scaled in the place of clipped
def clipped_relu(x, ceiling=6.0):
    return F.relu(x) / x.max() * ceiling


# %% wrong="clipped_relu" says="leaves x as it was"
# in place
def clipped_relu(x, ceiling=6.0):
    return x.clamp_(0, ceiling)


# %% wrong="clipped_relu" says="which this exercise asks you to do without"
# PyTorch's function
def clipped_relu(x, ceiling=6.0):
    return F.hardtanh(x, 0, ceiling)


# %% wrong="clipped_relu" says="which this exercise asks you to do without"
# PyTorch's function with the ceiling 6, scaled
def clipped_relu(x, ceiling=6.0):
    return F.relu6(x * 6 / ceiling) * ceiling / 6


# %% right="relu_in_place"
def relu_(x):
    x[x < 0] = 0
    return x


# %% right="relu_in_place"
def relu_(x):
    return x.copy_(torch.where(x > 0, x, 0.0))


# %% right="relu_in_place"
def relu_(x):
    x.mul_(x > 0)
    return x


# %% wrong="relu_in_place" says="you made a new tensor"
# a name is bound anew
def relu_(x):
    x = x.clamp(min=0)
    return x


# %% wrong="relu_in_place" says="you wrote into a copy"
# reshape copies a transposed matrix
def relu_(x):
    flat = x.reshape(-1)
    flat[flat < 0] = 0
    return x


# %% wrong="relu_in_place" says="return x"
# works on x, hands out a copy
def relu_(x):
    x.clamp_(min=0)
    return x.clone()


# %% wrong="relu_in_place" says="is a `return` missing?"
# returns nothing
def relu_(x):
    x.clamp_(min=0)


# %% wrong="relu_in_place" says="gave x another memory"
# a new memory under the old tensor
def relu_(x):
    x.data = x.clamp(min=0)
    return x


# %% wrong="relu_in_place" says="absolute value"
# negative values are reflected
def relu_(x):
    return x.abs_()


# %% wrong="relu_in_place"
# view refuses what is not contiguous
def relu_(x):
    x.view(-1).clamp_(min=0)
    return x


# %% wrong="relu_in_place" says="which this exercise asks you to do without"
# PyTorch's method
def relu_(x):
    return x.relu_()


# %% wrong="relu_in_place" says="which this exercise asks you to do without"
# PyTorch's function, written into x
def relu_(x):
    return x.copy_(torch.relu(x))


# %% right="clipped_module"
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.register_buffer("limit", torch.tensor(float(ceiling)))

    def forward(self, x):
        return torch.minimum(F.relu(x), self.limit.to(x.dtype))


# %% right="clipped_module"
class ClippedReLU(nn.Hardtanh):
    def __init__(self, ceiling=6.0):
        super().__init__(0.0, ceiling)


# %% right="clipped_module"
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.c = ceiling
        self.relu = nn.ReLU()

    def forward(self, x):
        y = self.relu(x)
        return torch.where(y > self.c, self.c, y)


# %% wrong="clipped_module" says="call super().__init__() first"
# no super().__init__()
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        self.ceiling = ceiling

    def forward(self, x):
        return x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="The ceiling became a Parameter"
# a setting is made a parameter
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = nn.Parameter(torch.tensor(ceiling))

    def forward(self, x):
        return torch.minimum(F.relu(x), self.ceiling)


# %% wrong="clipped_module" says="lost its own ceiling"
# kept in the class
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        ClippedReLU.ceiling = ceiling

    def forward(self, x):
        return x.clamp(0, self.ceiling)


# %% wrong="clipped_module" says="It clips at 6"
# forgets the argument
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()

    def forward(self, x):
        return F.relu6(x)


# %% wrong="clipped_module" says="The negative values are still there"
# no floor
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.clamp(max=self.ceiling)


# %% wrong="clipped_module" says="x is as it was"
# in place
class ClippedReLU(nn.Module):
    def __init__(self, ceiling=6.0):
        super().__init__()
        self.ceiling = ceiling

    def forward(self, x):
        return x.clamp_(0, self.ceiling)


# %% wrong="clipped_module" says="is an nn.Module"
# an ordinary class
class ClippedReLU:
    def __init__(self, ceiling=6.0):
        self.ceiling = ceiling

    def __call__(self, x):
        return x.clamp(0, self.ceiling)


# %% right="learned_leaky"
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(0.25 * torch.ones(channels))

    def forward(self, x):
        slopes = self.weight.view((1, -1) + (1,) * (x.dim() - 2))
        return x.clamp(min=0) + slopes * x.clamp(max=0)


# %% wrong="learned_leaky" says="which this exercise asks you to do without"
# PyTorch's function
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return F.prelu(x, self.weight)


# %% wrong="learned_leaky" says="which this exercise asks you to do without"
# PyTorch's module
class LearnedLeakyReLU(nn.PReLU):
    def __init__(self, channels):
        super().__init__(channels)


# %% right="learned_leaky"
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.full((channels,), 0.25)))

    def forward(self, x):
        last = x.transpose(1, -1)  # channels last, where broadcasting looks first
        return torch.where(last > 0, last, self.weight * last).transpose(1, -1)


# %% wrong="learned_leaky" says="No parameter is registered"
# a plain tensor
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = torch.full((channels,), 0.25, requires_grad=True)

    def forward(self, x):
        return F.prelu(x, self.weight)


# %% wrong="learned_leaky" says="one slope for all"
# one slope
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="aligned from the right"
# broadcasts along the last dimension
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="bring it into another shape in `forward`"
# the parameter has the shape for broadcasting
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((1, channels), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, self.weight * x)


# %% wrong="learned_leaky" says="No gradient reaches the slopes"
# detached
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight.detach().reshape(-1, *[1] * (x.dim() - 2))
        return torch.where(x > 0, x, slopes * x)


# %% wrong="learned_leaky" says="You take the larger one"
# maximum, right for slopes up to 1
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.maximum(x, self.weight.reshape(-1, *[1] * (x.dim() - 2)) * x)


# %% wrong="learned_leaky" says="the slopes at first"
# starts at 0
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.prelu(x, self.weight)


# %% wrong="learned_leaky" says="`forward` must use self.weight"
# forward makes slopes of its own
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        return torch.where(x > 0, x, 0.25 * x)


# %% wrong="learned_leaky" says="the output for images"
# right for two and three dimensions, not for images
class LearnedLeakyReLU(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), 0.25))

    def forward(self, x):
        slopes = self.weight if x.dim() == 2 else self.weight[:, None]
        if x.dim() == 4:
            return torch.where(x > 0, x, slopes.t() * x)
        return torch.where(x > 0, x, slopes * x)
