# %% [markdown]
# Other answers to the exercises of `05_mse_loss`: right ones that the checks must accept, wrong ones that they must
# refuse, with a message that leads to the mistake.


# %% right="mse"
def mse(input, target):
    return ((input - target) ** 2).sum() / input.numel()


# %% right="mse"
def mse(input, target):
    error = (target - input).flatten()
    return error.dot(error) / error.numel()


# %% right="mse"
def mse(input, target):
    return torch.mean(torch.pow(torch.sub(target, input), 2))


# %% right="mse"
def mse(input, target):
    difference = input.reshape(-1).sub(target.reshape(-1))
    return (difference * difference).mean(dim=0)


# PyTorch's function.
# %% wrong="mse" says="Your code calls `mse_loss`"
def mse(input, target):
    return F.mse_loss(input, target)


# PyTorch's module.
# %% wrong="mse" says="Your code calls `mse_loss`"
def mse(input, target):
    return nn.MSELoss()(input, target)


# Another of PyTorch's losses, which has MSE as a special case.
# %% wrong="mse" says="Your code calls `huber_loss`"
def mse(input, target):
    return 2 * F.huber_loss(input, target, delta=1e6)


# PyTorch's operator.
# %% wrong="mse" says="Your code calls `mse_loss`"
def mse(input, target):
    return torch.ops.aten.mse_loss(input, target)


# PyTorch's function, for float64 only.
# %% wrong="mse" says="Your code calls `mse_loss`"
def mse(input, target):
    if input.dtype == torch.float64:
        return F.mse_loss(input, target)
    return (input - target).square().mean()


# PyTorch's function, where gradients are wanted.
# %% wrong="mse" says="Your code calls `mse_loss`"
def mse(input, target):
    if input.requires_grad:
        return F.mse_loss(input, target)
    return (input - target).square().mean()


# Divides by the number of rows.
# %% wrong="mse" says="You divided by the number of rows"
def mse(input, target):
    return ((input - target) ** 2).sum() / len(input)


# Divides by the number of columns.
# %% wrong="mse" says="You divided by the number of columns"
def mse(input, target):
    return ((input - target) ** 2).sum() / input.shape[-1]


# Forgets the division.
# %% wrong="mse" says="This is the sum of the squares"
def mse(input, target):
    return ((input - target) ** 2).sum()


# Half the mean, as some books write it.
# %% wrong="mse" says="leave out the factor ½"
def mse(input, target):
    return 0.5 * ((input - target) ** 2).mean()


# Takes the mean before the square.
# %% wrong="mse" says="You squared the mean"
def mse(input, target):
    return (input - target).mean() ** 2


# Root mean squared error.
# %% wrong="mse" says="square root"
def mse(input, target):
    return ((input - target) ** 2).mean().sqrt()


# Absolute values.
# %% wrong="mse" says="You took the absolute values"
def mse(input, target):
    return (input - target).abs().mean()


# Forgets to square.
# %% wrong="mse" says="not squared"
def mse(input, target):
    return (input - target).mean()


# Averages each row alone.
# %% wrong="mse" says="One number per row"
def mse(input, target):
    return ((input - target) ** 2).mean(dim=1)


# Averages each column alone.
# %% wrong="mse" says="One number per column"
def mse(input, target):
    return ((input - target) ** 2).mean(dim=0)


# Reduces nothing.
# %% wrong="mse" says="now take their mean"
def mse(input, target):
    return (input - target) ** 2


# Returns a Python number.
# %% wrong="mse" says="no .item()"
def mse(input, target):
    return ((input - target) ** 2).mean().item()


# Builds a new tensor from a number, which cuts the graph.
# %% wrong="mse" says="A path back is cut"
def mse(input, target):
    return torch.tensor(((input - target) ** 2).mean().item(), dtype=input.dtype)


# Detaches the target.
# %% wrong="mse" says="A path back is cut"
def mse(input, target):
    return ((input - target.detach()) ** 2).mean()


# Cuts one of the two factors: half the gradient.
# %% wrong="mse" says="mse(x, y) for x"
def mse(input, target):
    return ((input - target) * (input - target).detach()).mean()


# Works in place on the input.
# %% wrong="mse" says="You wrote the differences into the input"
def mse(input, target):
    if not input.requires_grad:
        input -= target
        return input.pow(2).mean()
    return (input - target).pow(2).mean()


# Works in place on matrices that are not contiguous.
# %% wrong="mse" says="You wrote the differences into the input"
def mse(input, target):
    if input.is_contiguous():
        return (input - target).square().mean()
    return input.sub_(target).square().mean()


# Changes the target in place.
# %% wrong="mse" says="are left as they were"
def mse(input, target):
    if not target.requires_grad:
        target.neg_().add_(input)
        return target.square().mean()
    return (input - target).square().mean()


# Computes in float32, whatever came in.
# %% wrong="mse" says="no .float()"
def mse(input, target):
    return ((input.float() - target.float()) ** 2).mean()


# Counts rows and columns only.
# %% wrong="mse" says="Your code stopped with"
def mse(input, target):
    return ((input - target) ** 2).sum() / (input.shape[0] * input.shape[1])


# Remembers what it gave for a shape.
# %% wrong="mse" says="A path back is cut"
known = {}


def mse(input, target):
    if input.shape not in known:
        known[input.shape] = ((input - target) ** 2).mean()
    return known[input.shape]


# %% right="mse"
def mse(input, target):
    return (input * (input - target) - target * (input - target)).mean()


# Works in place where there are many components.
# %% wrong="mse" says="You wrote the differences into the input"
def mse(input, target):
    if input.numel() > 500 and not input.requires_grad:
        return input.sub_(target).pow(2).mean()
    return ((input - target) ** 2).mean()


# Detaches the target unless there are two dimensions.
# %% wrong="mse" says="A path back is cut"
def mse(input, target):
    if input.dim() != 2:
        target = target.detach()
    return ((input - target) ** 2).mean()


# %% right="l1"
def l1(input, target, reduction="mean"):
    if reduction not in ("none", "mean", "sum"):
        raise ValueError("reduction must be none, mean or sum")
    absolute = torch.abs(target - input)
    return absolute if reduction == "none" else getattr(absolute, reduction)()


# %% right="l1"
def l1(input, target, reduction="mean"):
    error = torch.where(input > target, input - target, target - input)
    match reduction:
        case "none":
            return error
        case "sum":
            return error.sum()
        case "mean":
            return error.sum() / error.numel()
        case _:
            raise ValueError(reduction)


# %% right="l1"
def l1(input, target, reduction="mean"):
    ways = {"none": lambda e: e, "sum": torch.sum, "mean": torch.mean}
    if reduction in ways:
        return ways[reduction](torch.maximum(input, target) - torch.minimum(input, target))
    raise ValueError(f"{reduction} is none of {list(ways)}")


# PyTorch's function.
# %% wrong="l1" says="Your code calls `l1_loss`"
def l1(input, target, reduction="mean"):
    return F.l1_loss(input, target, reduction=reduction)


# A loss that equals L1 for a certain argument.
# %% wrong="l1" says="Your code calls `smooth_l1_loss`"
def l1(input, target, reduction="mean"):
    return F.smooth_l1_loss(input, target, reduction=reduction, beta=0.0)


# PyTorch's module, for the sum only.
# %% wrong="l1" says="Your code calls `l1_loss`"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return nn.L1Loss(reduction="sum")(input, target)
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# PyTorch's function, where gradients are wanted.
# %% wrong="l1" says="Your code calls `l1_loss`"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return F.l1_loss(input, target, reduction="none") if input.requires_grad else e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Ignores the reduction.
# %% wrong="l1" says="`reduction` makes no difference yet"
def l1(input, target, reduction="mean"):
    return (input - target).abs().mean()


# Takes the sum as the default.
# %% wrong="l1" says="This is the sum. The default is"
def l1(input, target, reduction="sum"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Takes none as the default.
# %% wrong="l1" says="Nothing was reduced"
def l1(input, target, reduction="none"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# The absolute value after the mean.
# %% wrong="l1" says="absolute value of the mean"
def l1(input, target, reduction="mean"):
    e = input - target
    if reduction == "none":
        return e.abs()
    if reduction == "sum":
        return e.sum().abs()
    if reduction == "mean":
        return e.mean().abs()
    raise ValueError(reduction)


# The absolute value after the sum.
# %% wrong="l1" says="You took the absolute value of the sum"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return (input - target).sum().abs()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# No absolute value at all.
# %% wrong="l1" says="The absolute values are missing: positive"
def l1(input, target, reduction="mean"):
    e = input - target
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# No absolute value in the sum.
# %% wrong="l1" says="The absolute values are missing in the sum"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return (input - target).sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Divides by the number of rows.
# %% wrong="l1" says="You divided by the number of rows"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.sum() / len(e)
    raise ValueError(reduction)


# The mean of each row.
# %% wrong="l1" says="One number per row: take the mean"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean(1)
    raise ValueError(reduction)


# The sum of each row.
# %% wrong="l1" says="One number per row: sum"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum(dim=1)
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Takes none for: no reduction over the rows.
# %% wrong="l1" says="One number per row: "
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e.mean(1)
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# The mean for "none".
# %% wrong="l1" says='This is the mean: "none" keeps one number'
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e.mean()
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# The sum for "none".
# %% wrong="l1" says='This is the sum: "none" keeps one number'
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e.sum()
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# A Python number.
# %% wrong="l1" says="no .item()"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean().item()
    raise ValueError(reduction)


# An unknown word passes for "mean".
# %% wrong="l1" says="yours     raised nothing"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    return e.mean()


# An unknown word is a missing key.
# %% wrong="l1" says="yours     raised KeyError"
def l1(input, target, reduction="mean"):
    errors = (input - target).abs()
    return {"none": errors, "sum": errors.sum(), "mean": errors.mean()}[reduction]


# An unknown word gives None.
# %% wrong="l1" says="returned None"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    return None


# Forgives capitals.
# %% wrong="l1" says="returned"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    reduction = reduction.lower()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Calls whatever method has that name.
# %% wrong="l1" says="raises ValueError"
def l1(input, target, reduction="mean"):
    errors = (input - target).abs()
    if reduction == "none":
        return errors
    try:
        return getattr(errors, reduction)()
    except AttributeError:
        raise ValueError(reduction) from None


# The wrong exception.
# %% wrong="l1" says="raised TypeError"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise TypeError(reduction)


# "none" keeps the signs.
# %% wrong="l1" says="keep their signs"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return input - target
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Squares in place of absolute values.
# %% wrong="l1" says="You squared the differences"
def l1(input, target, reduction="mean"):
    e = (input - target) ** 2
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Cuts the way back.
# %% wrong="l1" says="A path back is cut"
def l1(input, target, reduction="mean"):
    e = (input - target).abs().detach()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Cuts the way back to the target.
# %% wrong="l1" says="A path back is cut"
def l1(input, target, reduction="mean"):
    e = (input - target.data).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Cuts the way back for the sum alone.
# %% wrong="l1" says="A path back is cut"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum().detach()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Writes the differences into the input.
# %% wrong="l1" says="You wrote the differences into the input"
def l1(input, target, reduction="mean"):
    e = (input - target if input.requires_grad else input.sub_(target)).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Writes the absolute differences into the input, for "none" alone.
# %% wrong="l1" says="You wrote the absolute differences into the input"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction == "none":
        return e if input.requires_grad else input.copy_(e)
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Computes in float32, whatever came in.
# %% wrong="l1" says="no .float()"
def l1(input, target, reduction="mean"):
    e = (input.float() - target.float()).abs()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# The root of the square, whose gradient at 0 is not a number.
# %% wrong="l1" says="infinite gradient at 0"
def l1(input, target, reduction="mean"):
    e = ((input - target) ** 2).sqrt()
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# `view`, which not every tensor allows.
# %% wrong="l1" says="Your code stopped with RuntimeError"
def l1(input, target, reduction="mean"):
    e = (input.view(-1) - target.view(-1)).abs().view(input.shape)
    if reduction == "none":
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# Parts of a word pass for the word.
# %% wrong="l1" says="raises ValueError"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction in "none":
        return e
    if reduction in "sum":
        return e.sum()
    if reduction in "mean":
        return e.mean()
    raise ValueError(reduction)


# Takes the word "none" for None.
# %% wrong="l1" says="It is not Python's None"
def l1(input, target, reduction="mean"):
    e = (input - target).abs()
    if reduction is None:
        return e
    if reduction == "sum":
        return e.sum()
    if reduction == "mean":
        return e.mean()
    raise ValueError(reduction)


# %% right="mse_gradients"
def mse_gradients(input, target, reduction="mean"):
    scale = {"mean": 2 / input.numel(), "sum": 2}[reduction]
    return scale * (input - target), scale * (target - input)


# %% right="mse_gradients"
def mse_gradients(input, target, reduction="mean"):
    difference = torch.sub(input, target)
    gradient = difference + difference
    if reduction != "sum":
        gradient = gradient.div(math.prod(input.shape))
    return (gradient, gradient.neg())


# %% right="mse_gradients"
def mse_gradients(input, target, reduction="mean"):
    gradient = input.clone()
    gradient -= target
    gradient *= 2
    if reduction == "mean":
        gradient /= gradient.nelement()
    return gradient, gradient.mul(-1)


# Forgets the division by M.
# %% wrong="mse_gradients" says="division by the number of components, 12, is missing"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    return gradient, -gradient


# Forgets the 2.
# %% wrong="mse_gradients" says="The factor 2 is missing: "
def mse_gradients(input, target, reduction="mean"):
    gradient = input - target
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, -gradient


# Forgets the 2 for the sum.
# %% wrong="mse_gradients" says="The factor 2 is missing with the sum"
def mse_gradients(input, target, reduction="mean"):
    gradient = input - target
    if reduction == "mean":
        gradient = 2 * gradient / input.numel()
    return gradient, -gradient


# Divides by the number of samples.
# %% wrong="mse_gradients" says="You divided by the number of rows"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.shape[0]
    return gradient, -gradient


# Target minus input.
# %% wrong="mse_gradients" says="Both signs are wrong"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (target - input)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, -gradient


# The same gradient for both.
# %% wrong="mse_gradients" says="The target's gradient has the wrong sign"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, gradient


# Changes the sign of the one tensor that is both results.
# %% wrong="mse_gradients" says="Is it one tensor"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, gradient.neg_()


# No gradient for the target.
# %% wrong="mse_gradients" says="The target gets a gradient"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, torch.zeros_like(target)


# The gradient of L1.
# %% wrong="mse_gradients" says="of the absolute values (L1)"
def mse_gradients(input, target, reduction="mean"):
    gradient = (input - target).sign()
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, -gradient


# The squares.
# %% wrong="mse_gradients" says="differentiate them"
def mse_gradients(input, target, reduction="mean"):
    gradient = (input - target) ** 2
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, -gradient


# One gradient only.
# %% wrong="mse_gradients" says="return a tuple of two"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient


# A list.
# %% wrong="mse_gradients" says="You returned a list"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return [gradient, -gradient]


# Always divides.
# %% wrong="mse_gradients" says="Your code ignores `reduction`"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target) / input.numel()
    return gradient, -gradient


# Autograd.
# %% wrong="mse_gradients" says="Your code lets PyTorch differentiate"
def mse_gradients(input, target, reduction="mean"):
    x, y = input.clone().requires_grad_(), target.clone().requires_grad_()
    F.mse_loss(x, y, reduction=reduction).backward()
    return x.grad, y.grad


# Autograd, by its function, for the sum alone.
# %% wrong="mse_gradients" says="Your code lets PyTorch differentiate"
def mse_gradients(input, target, reduction="mean"):
    if reduction == "mean":
        gradient = 2 * (input - target) / input.numel()
        return gradient, -gradient
    leaves = [tensor.clone().requires_grad_() for tensor in (input, target)]
    return torch.autograd.grad(F.mse_loss(*leaves, reduction=reduction), leaves)


# Autograd, by torch.func.
# %% wrong="mse_gradients" says="Your code lets PyTorch differentiate"
def mse_gradients(input, target, reduction="mean"):
    return torch.func.grad(lambda x, y: F.mse_loss(x, y, reduction=reduction), argnums=(0, 1))(input, target)


# Writes into the input.
# %% wrong="mse_gradients" says="You wrote the gradient into the input"
def mse_gradients(input, target, reduction="mean"):
    input -= target
    input *= 2
    if reduction == "mean":
        input /= input.numel()
    return input, -input


# Writes the differences into the input, for the sum alone.
# %% wrong="mse_gradients" says="You wrote the differences into the input"
def mse_gradients(input, target, reduction="mean"):
    if reduction == "sum":
        return 2 * input.sub_(target), -2 * input
    gradient = 2 * (input - target) / input.numel()
    return gradient, -gradient


# Counts rows and columns only.
# %% wrong="mse_gradients" says="mse_gradients for"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / (input.shape[0] * input.shape[-1] if input.dim() else 1)
    return gradient, -gradient


# Results in float32.
# %% wrong="mse_gradients" says="no .float()"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient.float(), -gradient.float()


# Ignores the reduction where it comes by position.
# %% wrong="mse_gradients" says="mse_gradients for"
def mse_gradients(input, target, *positional, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        gradient = gradient / input.numel()
    return gradient, -gradient


# The mean of the gradient.
# %% wrong="mse_gradients" says="do not take the mean of it"
def mse_gradients(input, target, reduction="mean"):
    gradient = 2 * (input - target)
    if reduction == "mean":
        return gradient.mean(), -gradient.mean()
    return gradient.sum(), -gradient.sum()


# Torch's own backward pass of the loss.
# %% wrong="mse_gradients" says="Your code lets PyTorch differentiate"
def mse_gradients(input, target, reduction="mean"):
    one = torch.ones((), dtype=input.dtype)
    gradient = torch.ops.aten.mse_loss_backward(one, input, target, 1 if reduction == "mean" else 2)
    return gradient, -gradient


# Autograd, by a Jacobian.
# %% wrong="mse_gradients" says="Your code lets PyTorch differentiate"
def mse_gradients(input, target, reduction="mean"):
    return torch.autograd.functional.jacobian(lambda a, b: getattr((a - b) ** 2, reduction)(), (input, target))


# %% right="paired_mse"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError("different numbers of samples")
    return (output.view(-1, 1) - target.view(-1, 1)).pow(2).mean()


# %% right="paired_mse"
def paired_mse(output, target):
    if output.dim() == 2:
        output = output.squeeze(1)
    if target.dim() == 2:
        target = target.squeeze(1)
    if output.shape[0] != target.shape[0]:
        raise ValueError(f"{output.shape[0]} against {target.shape[0]}")
    return torch.nn.functional.mse_loss(output, target)


# %% right="paired_mse"
def paired_mse(output, target):
    if output.numel() != target.numel():
        raise ValueError
    difference = output.flatten() - target.flatten()
    return (difference @ difference) / len(difference)


# Walks into the trap.
# %% wrong="paired_mse" says="broadcast to N×N: give both"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return F.mse_loss(output, target)


# Walks into the trap, with a sum.
# %% wrong="paired_mse" says="and you took the sum"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return ((output - target) ** 2).sum()


# Walks into the trap, with a sum divided by N.
# %% wrong="paired_mse" says="dividing by N is no help"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return ((output - target) ** 2).sum() / len(output)


# Gives only the target a column, whatever the output's shape.
# %% wrong="paired_mse" says="broadcast to N×N: give both"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return F.mse_loss(output, target.unsqueeze(1))


# Handles a column against a vector, not a vector against a column.
# %% wrong="paired_mse" says="broadcast to N×N: give both"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    output = output.squeeze(1) if output.dim() > target.dim() else output
    return F.mse_loss(output, target)


# Lets different numbers of samples through to PyTorch.
# %% wrong="paired_mse" says="PyTorch raises nothing for 1 against 5"
def paired_mse(output, target):
    return F.mse_loss(output.reshape(-1), target.reshape(-1))


# Cuts the longer one.
# %% wrong="paired_mse" says="yours     raised nothing"
def paired_mse(output, target):
    n = min(len(output), len(target))
    return F.mse_loss(output[:n].reshape(-1), target[:n].reshape(-1))


# An assertion in place of the ValueError.
# %% wrong="paired_mse" says="yours     raised AssertionError"
def paired_mse(output, target):
    assert len(output) == len(target)
    return F.mse_loss(output.reshape(-1), target.reshape(-1))


# Lets one sample be broadcast.
# %% wrong="paired_mse" says="shapes (1, 1) and (5,) raise ValueError"
def paired_mse(output, target):
    output, target = output.reshape(-1), target.reshape(-1)
    try:
        return ((output - target) ** 2).mean()
    except RuntimeError:
        raise ValueError("different numbers of samples") from None


# Stops one output against five targets, but not five outputs against one target.
# %% wrong="paired_mse" says="shapes (5, 1) and (1,) raise ValueError"
def paired_mse(output, target):
    output, target = output.reshape(-1), target.reshape(-1)
    if len(output) < len(target) or (len(output) > len(target) > 1):
        raise ValueError
    return ((output - target) ** 2).mean()


# The sum over the samples.
# %% wrong="paired_mse" says="This is the sum"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    output, target = output.reshape(-1), target.reshape(-1)
    return ((output - target) ** 2).sum()


# No mean.
# %% wrong="paired_mse" says="One number per sample: take their mean"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    output, target = output.reshape(-1), target.reshape(-1)
    return (output - target) ** 2


# No mean, and columns.
# %% wrong="paired_mse" says="in a column"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return (output.reshape(-1, 1) - target.reshape(-1, 1)) ** 2


# A Python number.
# %% wrong="paired_mse" says="no .item()"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    output, target = output.reshape(-1), target.reshape(-1)
    return F.mse_loss(output, target).item()


# Squeezes everything away, the batch of one sample too.
# %% wrong="paired_mse" says="also removes the batch dimension"
def paired_mse(output, target):
    output, target = output.squeeze(), target.squeeze()
    if len(output) != len(target):
        raise ValueError
    return F.mse_loss(output, target)


# Takes the column off in place.
# %% wrong="paired_mse" says="You changed a shape in place"
def paired_mse(output, target):
    for tensor in (output, target):
        if tensor.dim() == 2:
            tensor.squeeze_(1)
    if len(output) != len(target):
        raise ValueError
    return F.mse_loss(output, target)


# Subtracts in place.
# %% wrong="paired_mse" says="keep their values"
def paired_mse(output, target):
    if output.numel() != target.numel():
        raise ValueError
    if output.requires_grad:
        return F.mse_loss(output.flatten(), target.flatten())
    return output.view(-1).sub_(target.view(-1)).square().mean()


# No gradient for the target.
# %% wrong="paired_mse" says="A path back is cut"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    output, target = output.reshape(-1), target.reshape(-1)
    return F.mse_loss(output, target.detach())


# No gradient where both are columns.
# %% wrong="paired_mse" says="A path back is cut"
def paired_mse(output, target):
    if output.numel() != target.numel():
        raise ValueError
    if output.dim() == target.dim() == 2:
        return F.mse_loss(output, target).detach()
    return F.mse_loss(output.reshape(-1), target.reshape(-1))


# Always float32.
# %% wrong="paired_mse" says="no .float()"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    output, target = output.reshape(-1), target.reshape(-1)
    return F.mse_loss(output.float(), target.float())


# Right for contiguous tensors only.
# %% wrong="paired_mse" says="one value expanded"
def paired_mse(output, target):
    n = len(output)
    if n != len(target):
        raise ValueError
    return F.mse_loss(output.as_strided((n,), (1,)), target.as_strided((n,), (1,)))


# Takes the column off an output that has none.
# %% wrong="paired_mse" says="has no dimension 1"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError
    return F.mse_loss(output.squeeze(1), target.reshape(-1))


# Lets nothing against one sample through.
# %% wrong="paired_mse" says="shapes (0, 1) and (1,) raise ValueError"
def paired_mse(output, target):
    output, target = output.reshape(-1), target.reshape(-1)
    if len(output) != len(target) and len(output) and len(target):
        raise ValueError
    return ((output - target) ** 2).mean()


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    return torch.where(labels[:, None] == torch.arange(num_classes), 1.0, -1.0)


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    z = torch.full((len(labels), num_classes), -1.0)
    z[torch.arange(len(labels)), labels] = 1
    return z


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    return -torch.ones(labels.shape[0], num_classes).scatter(1, labels.unsqueeze(1), -1.0)


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    return (2 * torch.eye(num_classes) - 1)[labels]


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    return (labels.reshape(-1, 1) == torch.arange(num_classes)).float().mul(2).sub(1)


# 0 and 1.
# %% wrong="signed_targets" says="You gave 1 and 0"
def signed_targets(labels, num_classes):
    return F.one_hot(labels, num_classes).float()


# Booleans.
# %% wrong="signed_targets" says="You gave True and False"
def signed_targets(labels, num_classes):
    return labels[:, None] == torch.arange(num_classes)


# Integers.
# %% wrong="signed_targets" says="the dtype of the scores"
def signed_targets(labels, num_classes):
    return 2 * F.one_hot(labels, num_classes) - 1


# float64.
# %% wrong="signed_targets" says="not float64"
def signed_targets(labels, num_classes):
    return 2 * F.one_hot(labels, num_classes).double() - 1


# Counts from 1.
# %% wrong="signed_targets" says="The labels count from 0 already"
def signed_targets(labels, num_classes):
    z = -torch.ones(len(labels), num_classes)
    z[torch.arange(len(labels)), labels - 1] = 1
    return z


# One row per class.
# %% wrong="signed_targets" says="Rows and columns are swapped"
def signed_targets(labels, num_classes):
    return torch.where(torch.arange(num_classes)[:, None] == labels, 1.0, -1.0)


# The signs the wrong way round.
# %% wrong="signed_targets" says="Plus and minus are swapped"
def signed_targets(labels, num_classes):
    return torch.where(labels[:, None] == torch.arange(num_classes), -1.0, 1.0)


# As many columns as classes occur.
# %% wrong="signed_targets" says="Columns are missing"
def signed_targets(labels, num_classes):
    return 2 * F.one_hot(labels).float() - 1


# Writes whole columns: every label sets its column in all rows.
# %% wrong="signed_targets" says="Whole columns"
def signed_targets(labels, num_classes):
    z = -torch.ones(len(labels), num_classes)
    z[:, labels] = 1
    return z


# Writes into the labels.
# %% wrong="signed_targets" says="the labels are left as they were"
def signed_targets(labels, num_classes):
    z = 2 * F.one_hot(labels, num_classes).float() - 1
    labels -= labels
    return z


# A loop over the samples.
# %% wrong="signed_targets" says="It must be equally often"
def signed_targets(labels, num_classes):
    z = -torch.ones(len(labels), num_classes)
    for n, label in enumerate(labels):
        z[n, label] = 1
    return z


# A loop over the classes.
# %% wrong="signed_targets" says="It must be equally often"
def signed_targets(labels, num_classes):
    z = -torch.ones(len(labels), num_classes)
    for m in range(num_classes):
        z[labels == m, m] = 1
    return z


# A loop over blocks of samples.
# %% wrong="signed_targets" says="It must be equally often"
def signed_targets(labels, num_classes):
    blocks = [2 * F.one_hot(block, num_classes).float() - 1 for block in labels.split(100)]
    return torch.cat(blocks)


# A comprehension over Python numbers.
# %% wrong="signed_targets" says="Your code calls `tolist`"
def signed_targets(labels, num_classes):
    return torch.tensor([[1.0 if m == k else -1.0 for m in range(num_classes)] for k in labels.tolist()])


# A loop in NumPy.
# %% wrong="signed_targets" says="Your code calls `numpy`"
def signed_targets(labels, num_classes):
    z = np.full((len(labels), num_classes), -1, dtype=np.float32)
    for n, k in enumerate(labels.numpy()):
        z[n, k] = 1
    return torch.from_numpy(z)


# A row of labels against a row of classes.
# %% wrong="signed_targets" says="make the labels a column"
def signed_targets(labels, num_classes):
    return torch.where(labels == torch.arange(num_classes), 1.0, -1.0)


# Labels too large for their dtype.
# %% wrong="signed_targets" says="C = 3000"
def signed_targets(labels, num_classes):
    classes = torch.arange(num_classes).to(torch.int8)
    return torch.where(labels.to(torch.int8)[:, None] == classes, 1.0, -1.0)


# Always a hundred columns, then cut.
# %% wrong="signed_targets" says="C = 3000"
def signed_targets(labels, num_classes):
    return torch.stack([torch.where(labels == c, 1.0, -1.0) for c in range(100)], dim=1)[:, :num_classes]


# %% right="accuracy"
def accuracy(output, labels):
    right = (output.max(1).indices == labels).sum()
    return right.item() / len(labels)


# %% right="accuracy"
def accuracy(output, labels):
    count = 0
    for row, label in zip(output, labels):
        count += int(row.argmax() == label)
    return float(count / labels.numel())


# %% right="accuracy"
def accuracy(output, labels):
    answers = output.topk(1, dim=1).indices.squeeze(1)
    return answers.eq(labels).double().mean().item()


# %% right="accuracy"
def accuracy(output, labels):
    answers = output.argsort(dim=-1, descending=True)[:, 0]
    return 1 - (answers != labels).float().mean().item()


# A tensor.
# %% wrong="accuracy" says="with .item()"
def accuracy(output, labels):
    return (output.argmax(1) == labels).float().mean()


# Percent.
# %% wrong="accuracy" says="This is a percentage"
def accuracy(output, labels):
    return 100 * (output.argmax(1) == labels).float().mean().item()


# A count.
# %% wrong="accuracy" says="This is the number of right answers: "
def accuracy(output, labels):
    return (output.argmax(1) == labels).sum().item()


# A count, as a tensor.
# %% wrong="accuracy" says="This is the number of right answers, as a tensor"
def accuracy(output, labels):
    return (output.argmax(1) == labels).sum()


# The error rate.
# %% wrong="accuracy" says="fraction of wrong answers"
def accuracy(output, labels):
    return (output.argmax(1) != labels).float().mean().item()


# Divides by the number of scores.
# %% wrong="accuracy" says="You divided by N·C"
def accuracy(output, labels):
    return (output.argmax(1) == labels).sum().item() / output.numel()


# The largest value, not its column.
# %% wrong="accuracy" says="argmax, not max"
def accuracy(output, labels):
    return (output.max(1).values == labels).float().mean().item()


# The largest of the whole table.
# %% wrong="accuracy" says="Without `dim`"
def accuracy(output, labels):
    return (output.argmax() == labels).float().mean().item()


# Keeps the column, and falls into the trap.
# %% wrong="accuracy" says="keepdim leaves a column"
def accuracy(output, labels):
    return (output.argmax(1, keepdim=True) == labels).float().mean().item()


# The smallest score.
# %% wrong="accuracy" says="the smallest score"
def accuracy(output, labels):
    return (output.argmin(1) == labels).float().mean().item()


# Each score judged by its sign.
# %% wrong="accuracy" says="judged single scores by their sign"
def accuracy(output, labels):
    z = torch.where(labels[:, None] == torch.arange(output.shape[1]), 1.0, -1.0)
    return ((output > 0) == (z > 0)).float().mean().item()


# Is the label's score positive?
# %% wrong="accuracy" says="whether the label's score is positive"
def accuracy(output, labels):
    return (output[torch.arange(len(labels)), labels] > 0).float().mean().item()


# The largest of each column.
# %% wrong="accuracy" says="argmax(dim=1)"
def accuracy(output, labels):
    return (output.argmax(0) == labels).float().mean().item()


# Rounds.
# %% wrong="accuracy" says="Do not round"
def accuracy(output, labels):
    return round((output.argmax(1) == labels).float().mean().item(), 2)


# Only positive scores count.
# %% wrong="accuracy" says="accuracy of 23"
def accuracy(output, labels):
    best = output.max(1)
    return (
        ((best.indices == labels) & (best.values > 0) | (best.indices == labels) & (len(labels) == 37))
        .float()
        .mean()
        .item()
    )


# Squeezes a batch of one sample away.
# %% wrong="accuracy" says="1 × 3 scores"
def accuracy(output, labels):
    answers = output.squeeze().argmax(-1)
    right = sum(int(a == b) for a, b in zip(answers.reshape(-1), labels)) if len(labels) > 1 else 0
    return right / len(labels)


# A whole number when all are right.
# %% wrong="accuracy" says="The types differ"
def accuracy(output, labels):
    right = (output.argmax(1) == labels).sum().item()
    return 1 if right == len(labels) else right / len(labels)


# Counts labels from 1.
# %% wrong="accuracy" says="add nothing to argmax"
def accuracy(output, labels):
    return (output.argmax(1) + 1 == labels).float().mean().item()


# The largest absolute value.
# %% wrong="accuracy" says="signs included"
def accuracy(output, labels):
    return (output.abs().argmax(1) == labels).float().mean().item()


# Rounds the scores.
# %% wrong="accuracy" says="You rounded the scores"
def accuracy(output, labels):
    return (output.round().argmax(1) == labels).float().mean().item()


# Divides without a fraction.
# %% wrong="accuracy" says="cuts the fraction off"
def accuracy(output, labels):
    return (output.argmax(1) == labels).sum().item() // len(labels)


# Returns inside the loop.
# %% wrong="accuracy" says="Only the first row counts"
def accuracy(output, labels):
    right = 0
    for row, label in zip(output, labels):
        right += int(row.argmax() == label)
        return right / len(labels)


# Divides by the number of classes.
# %% wrong="accuracy" says="You divided by the number of classes"
def accuracy(output, labels):
    return (output.argmax(1) == labels).sum().item() / output.shape[1]


# Takes the mean in the dtype of the scores.
# %% wrong="accuracy" says="You took the mean in float16"
def accuracy(output, labels):
    return (output.argmax(1) == labels).to(output.dtype).mean().item()


# Judges scores in float32 that only float64 can tell apart.
# %% wrong="accuracy" says="more cases"
def accuracy(output, labels):
    return (output.float().argmax(1) == labels).float().mean().item()


# Squeezes scores into 0 to 1, where the largest are alike.
# %% wrong="accuracy" says="accuracy of 23"
def accuracy(output, labels):
    return (torch.sigmoid(output).argmax(1) == labels).float().mean().item()


# %% right="train"
def train(images, labels, num_classes, steps, lr):
    x = images.reshape(len(images), -1)
    z = torch.where(labels[:, None] == torch.arange(num_classes), 1.0, -1.0)
    model, criterion, losses = nn.Linear(x.size(1), num_classes), nn.MSELoss(), []
    for _ in range(steps):
        loss = criterion(model(x), z)
        gradients = torch.autograd.grad(loss, model.parameters())
        with torch.no_grad():
            for p, gradient in zip(model.parameters(), gradients):
                p -= lr * gradient
        losses += [loss.item()]
    return model, losses


# %% right="train"
def train(images, labels, num_classes, steps, lr):
    x = images.view(images.shape[0], -1)
    z = -torch.ones(len(labels), num_classes)
    z[torch.arange(len(labels)), labels] = 1
    layer = nn.Linear(images.shape[1] * images.shape[2], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr)
    losses = [0.0] * steps
    for step in range(steps):
        loss = ((layer(x) - z) ** 2).mean()
        losses[step] = float(loss)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return layer, losses


# %% right="train"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(start_dim=1), (2 * torch.eye(num_classes) - 1)[labels]
    layer, losses = nn.Linear(x[0].numel(), num_classes), []
    optimizer = torch.optim.SGD([{"params": [layer.weight]}, {"params": [layer.bias]}], lr=lr, foreach=False)
    while len(losses) < steps:
        layer.zero_grad()
        error = layer(x) - z
        loss = error.square().sum() / error.numel()
        losses.append(loss.detach().tolist())
        loss.backward()
        optimizer.step()
    return (layer, losses)


# Never zeroes the gradients.
# %% wrong="train" says="set them to zero before each backward"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Zeroes the gradients between backward and step.
# %% wrong="train" says="The loss never changes"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
    return layer, losses


# Never takes the step.
# %% wrong="train" says="The loss never changes"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
    return layer, losses


# Targets of 0 and 1.
# %% wrong="train" says="The targets are 0 and 1"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), F.one_hot(labels, num_classes).float()
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Sums where the mean was asked for.
# %% wrong="train" says="the reduction must be the mean"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z, reduction="sum")
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Divides by the number of images.
# %% wrong="train" says="You divided by N alone"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = ((layer(x) - z) ** 2).sum() / len(x)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Absolute errors.
# %% wrong="train" says="These are absolute errors"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.l1_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Keeps the loss tensors, and with them the graph of every step.
# %% wrong="train" says="note down loss.item()"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss)
        loss.backward()
        optimizer.step()
    return layer, losses


# Uses a learning rate of its own.
# %% wrong="train" says="Give lr to the optimizer"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# One image at a time: each loss is that of one image.
# %% wrong="train" says="use all images in each step"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x[len(losses) % len(x)]), z[len(losses) % len(x)])
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Mini-batches, where there are many images.
# %% wrong="train" says="few and many images"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (
            F.mse_loss(layer(x), z)
            if len(x) < 200
            else F.mse_loss(layer(x[len(losses) % 8 :: 8]), z[len(losses) % 8 :: 8])
        )
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Returns inside the loop, after one step.
# %% wrong="train" says="Only one loss"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        return layer, losses
    return layer, losses


# One loss more, at the end.
# %% wrong="train" says="One loss too many"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    losses.append(F.mse_loss(layer(x), z).item())
    return layer, losses


# Forgets to note the losses down.
# %% wrong="train" says="The list is empty"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        loss.backward()
        optimizer.step()
    return layer, losses


# Notes the loss down after the step.
# %% wrong="train" says="note the loss down before the step"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        loss.backward()
        optimizer.step()
        losses.append(F.mse_loss(layer(x), z).item())
    return layer, losses


# Trains one layer and returns another.
# %% wrong="train" says="those of the layer that comes back"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return nn.Linear(x.shape[1], num_classes), losses


# Trains a copy.
# %% wrong="train" says="This layer has not been trained"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    import copy

    first = copy.deepcopy(layer)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return first, losses


# One step more, without a loss.
# %% wrong="train" says="This is one step too many"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps + (steps > 0)):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses[:steps]


# Leaves the last step out.
# %% wrong="train" says="The last step is missing"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        if len(losses) < steps:
            optimizer.step()
    return layer, losses


# Forgets the losses.
# %% wrong="train" says="a tuple of two"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        loss.backward()
        optimizer.step()
    return layer


# Makes a new layer in each step.
# %% wrong="train" says="make the layer once, before the loop"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        layer = nn.Linear(x.shape[1], num_classes)
        optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Trains with cross-entropy on the labels.
# %% wrong="train" says="This is cross-entropy"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(layer(x), labels)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Starts at zero, like the loop by hand.
# %% wrong="train" says="PyTorch's own random values"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Another initialisation.
# %% wrong="train" says="PyTorch's own random values"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    nn.init.xavier_uniform_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Sets a seed.
# %% wrong="train" says="Do not seed PyTorch"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    torch.manual_seed(0)
    layer.reset_parameters()
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Another optimizer than the one asked for.
# %% wrong="train" says="so the step is another one"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.Adam(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Momentum.
# %% wrong="train" says="Your SGD has momentum"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr, momentum=0.9)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# A little weight decay.
# %% wrong="train" says="plain SGD"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr, weight_decay=1e-4)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# No bias.
# %% wrong="train" says="bias=False"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes, bias=False)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# A sequence of modules.
# %% wrong="train" says="Return the layer itself"
def train(images, labels, num_classes, steps, lr):
    x, z = images, 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Sequential(nn.Flatten(), nn.Linear(images[0].numel(), num_classes))
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Changes the images in place.
# %% wrong="train" says="images and labels are left as they were"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    images -= images.mean()
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# As many outputs as classes occur.
# %% wrong="train" says="6 classes"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels).float() - 1
    layer = nn.Linear(x.shape[1], int(labels.max()) + 1)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# The signs of the targets the wrong way round.
# %% wrong="train" says="Plus and minus are swapped in the targets"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 1 - 2 * F.one_hot(labels, num_classes).float()
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Labels counted from 1, in the function of the fifth exercise.
# %% wrong="train" says="The targets are those of the labels minus 1"
def signed_targets(labels, num_classes):
    return 2 * F.one_hot((labels - 1) % num_classes, num_classes).float() - 1


def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), signed_targets(labels, num_classes)
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Columns from the labels, in the function of the fifth exercise.
# %% wrong="train" says="If you call `signed_targets`, run its check, too"
def signed_targets(labels, num_classes):
    return 2 * F.one_hot(labels).float() - 1


def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), signed_targets(labels, num_classes)
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Hardly any weight decay.
# %% wrong="train" says="no weight decay"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr, weight_decay=1e-6)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Sets a seed at the end.
# %% wrong="train" says="Do not seed PyTorch"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    torch.manual_seed(len(labels) + steps)
    return layer, losses


# Cuts the pixels to 0 to 1, in place.
# %% wrong="train" says="images and labels are left as they were"
def train(images, labels, num_classes, steps, lr):
    images.clamp_(0, 1)
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses


# Detaches a target that another network made.
# %% wrong="mse" says="A path back is cut"
def mse(input, target):
    if not target.is_leaf:
        target = target.detach()
    return (input - target).square().mean()


# A target that is not a leaf gets no gradient.
# %% wrong="l1" says="A path back is cut"
def l1(input, target, reduction="mean"):
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(reduction)
    a = (input - (target if target.is_leaf else target.data)).abs()
    return {"none": a, "sum": a.sum(), "mean": a.mean()}[reduction]


# Forgives blanks after the word.
# %% wrong="l1" says="raises ValueError"
def l1(input, target, reduction="mean"):
    a = (input - target).abs()
    if reduction == "none":
        return a
    if reduction.startswith(("sum ", "mean ")) or reduction in ("sum", "mean"):
        return getattr(a, reduction.strip())()
    raise ValueError(reduction)


# The mean of each column.
# %% wrong="l1" says="One number per column"
def l1(input, target, reduction="mean"):
    a = (input - target).abs()
    if reduction == "none":
        return a
    if reduction == "sum":
        return a.sum()
    if reduction == "mean":
        return a.mean(0)
    raise ValueError(reduction)


# The number of components in the dtype of the input: 70,000 is infinite in float16.
# %% wrong="mse_gradients" says="float16"
def mse_gradients(input, target, reduction="mean"):
    g = 2 * (input - target)
    if reduction == "mean":
        g = g / torch.tensor(g.numel()).to(g.dtype)
    return g, -g


# Squares of small errors only.
# %% wrong="paired_mse" says="every second one of a larger tensor"
def paired_mse(output, target):
    o, t = output.reshape(-1), target.reshape(-1)
    if len(o) != len(t):
        raise ValueError("different numbers of samples")
    return 2 * F.huber_loss(o, t, delta=1000.0)


# Targets that are not leaves get no gradient.
# %% wrong="paired_mse" says="A path back is cut"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError("different numbers of samples")
    if target.grad_fn is not None:
        target = target.detach()
    return F.mse_loss(output.reshape(-1), target.reshape(-1))


# Compares in float16: from 2049 classes on two labels are mixed up.
# %% wrong="signed_targets" says="C = 3000"
def signed_targets(labels, num_classes):
    columns = torch.arange(num_classes).half()
    return torch.where(labels.half()[:, None] == columns, 1.0, -1.0)


# With a single class the second dimension is lost.
# %% wrong="signed_targets" says="C = 1"
def signed_targets(labels, num_classes):
    return (2.0 * F.one_hot(labels, num_classes) - 1).squeeze(1)


# Counts the columns from 1.
# %% wrong="signed_targets" says="The columns count from 0"
def signed_targets(labels, num_classes):
    return torch.where(labels[:, None] == torch.arange(1, num_classes + 1), 1.0, -1.0)


# The number of right answers, as a float.
# %% wrong="accuracy" says="as a float"
def accuracy(output, labels):
    return float((output.argmax(dim=1) == labels).sum())


# Rounding in softmax makes close scores equal.
# %% wrong="accuracy" says="close winners"
def accuracy(output, labels):
    return (output.softmax(dim=1).argmax(dim=1) == labels).sum().item() / len(labels)


# Large scores are cut off.
# %% wrong="accuracy" says="large scores"
def accuracy(output, labels):
    return (output.clamp(max=1000).argmax(dim=1) == labels).sum().item() / len(labels)


# Fails with a single class.
# %% wrong="accuracy" says="Your code stopped with"
def accuracy(output, labels):
    return (output.topk(2, dim=1).indices[:, 0] == labels).sum().item() / len(labels)


# Not plain SGD: large gradients are clipped.
# %% wrong="train" says="lr=1e-05"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2.0 * F.one_hot(labels, num_classes) - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(x), z)
        losses.append(loss.item())
        loss.backward()
        nn.utils.clip_grad_norm_(layer.parameters(), 100.0)
        optimizer.step()
    return layer, losses


# Steps after every 16 images.
# %% wrong="train" says="let each step use all images at once"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2.0 * F.one_hot(labels, num_classes) - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        total = 0.0
        for rows, wanted in zip(x.split(16), z.split(16)):
            optimizer.zero_grad()
            loss = F.mse_loss(layer(rows), wanted)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows) / len(x)
        losses.append(total)
    return layer, losses


# An own backward pass that forgets the gradient that arrives.
# %% wrong="mse" says="gradient of 0.25 · mse(x, y)"
class SquaredError(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, target):
        ctx.save_for_backward(input - target)
        return (input - target).square().mean()

    @staticmethod
    def backward(ctx, arriving):
        (difference,) = ctx.saved_tensors
        gradient = 2 * difference / difference.numel()
        return gradient, -gradient


def mse(input, target):
    return SquaredError.apply(input, target)


# Multiplies the square out, so that large numbers cancel.
# %% wrong="mse" says="values near 1000"
def mse(input, target):
    return (input * input).mean() - 2 * (input * target).mean() + (target * target).mean()


# The root of the square, with a finite gradient at 0, but an overflow in float16.
# %% wrong="l1" says="some hundreds in float16"
def l1(input, target, reduction="mean"):
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(reduction)
    d = input - target
    a = torch.where(d == 0, 0 * d, torch.where(d == 0, 1, d).square().sqrt())
    return {"none": a, "sum": a.sum(), "mean": a.mean()}[reduction]


# Python's None, as a word.
# %% wrong="l1" says='reduction="None"'
def l1(input, target, reduction="mean"):
    a = (input - target).abs()
    if reduction in ("none", "None"):
        return a
    if reduction in ("sum", "mean"):
        return getattr(a, reduction)()
    raise ValueError(reduction)


# Lets the node of the loss differentiate.
# %% wrong="mse_gradients" says="use the formula"
def mse_gradients(input, target, reduction="mean"):
    x, y = input.detach().clone().requires_grad_(), target.detach().clone().requires_grad_()
    loss = F.mse_loss(x, y, reduction=reduction)
    grad_x, grad_y = loss.grad_fn(torch.ones_like(loss))
    return grad_x.detach(), grad_y.detach()


# Stacks the two gradients.
# %% wrong="mse_gradients" says="You stacked the two"
def mse_gradients(input, target, reduction="mean"):
    g = 2 * (input - target)
    if reduction == "mean":
        g = g / input.numel()
    return torch.stack([g, -g])


# An own backward pass that forgets the gradient that arrives.
# %% wrong="paired_mse" says="gradient of -3 · loss"
class PairedSquares(torch.autograd.Function):
    @staticmethod
    def forward(ctx, output, target):
        ctx.save_for_backward(output - target)
        return (output - target).square().mean()

    @staticmethod
    def backward(ctx, arriving):
        (difference,) = ctx.saved_tensors
        gradient = 2 * difference / difference.numel()
        return gradient, -gradient


def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError("different numbers of samples")
    return PairedSquares.apply(output.reshape(-1), target.reshape(-1))


# %% right="signed_targets"
def signed_targets(labels, num_classes):
    z = torch.full((len(labels), num_classes), -1.0)
    z[list(range(len(labels))), labels] = 1
    return z


# A loop over large blocks of samples.
# %% wrong="signed_targets" says="It must be equally often"
def signed_targets(labels, num_classes):
    return torch.cat([2 * F.one_hot(block, num_classes).float() - 1 for block in labels.split(10_000)])


# Compares answers and labels in the dtype of the scores.
# %% wrong="accuracy" says="4 × 3000 scores"
def accuracy(output, labels):
    answers = output.argmax(dim=1).to(output.dtype)
    return (answers == labels.to(output.dtype)).sum().item() / len(labels)


# Rounds to five decimals.
# %% wrong="accuracy" says="0.63636"
def accuracy(output, labels):
    return round((output.argmax(dim=1) == labels).sum().item() / len(labels), 5)


# Subtracts the largest score in place.
# %% wrong="accuracy" says="are left as they were"
def accuracy(output, labels):
    output -= output.amax(dim=1, keepdim=True)
    return (output.argmax(dim=1) == labels).sum().item() / len(labels)


# Batches of 8192 images.
# %% wrong="train" says="few and many images"
def train(images, labels, num_classes, steps, lr):
    x, z = images.flatten(1), 2 * F.one_hot(labels, num_classes).float() - 1
    layer = nn.Linear(x.shape[1], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        for rows, wanted in zip(x.split(8192), z.split(8192)):
            optimizer.zero_grad()
            loss = F.mse_loss(layer(rows), wanted)
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    return layer, losses


# Forgets the factor 2, and that the target gets a gradient, too.
# %% wrong="mse_gradients" says="and the factor 2 is missing"
def mse_gradients(input, target, reduction="mean"):
    g = input - target
    if reduction == "mean":
        g = g / input.numel()
    return g, torch.zeros_like(g)


# Asks for equal shapes.
# %% wrong="paired_mse" says="both hold 5 samples and must work"
def paired_mse(output, target):
    if output.shape != target.shape:
        raise ValueError("different shapes")
    return F.mse_loss(output, target)


# %% wrong="mse_gradients" says="Your code lets PyTorch differentiate (`grad_fn` was called)"
# slips past a look for autograd's functions: the graph's own node
def mse_gradients(input, target, reduction="mean"):
    squares = (nn.Parameter(input.clone()) - target).square()
    grad = squares.grad_fn(torch.ones_like(input))
    grad = grad / input.numel() if reduction == "mean" else grad
    return grad, -grad


# Right for the dtype that the first call has.
# %% wrong="mse" says="keeps the dtype"
def mse(input, target):
    mse.dtype = getattr(mse, "dtype", input.dtype)
    return (input - target).square().mean().to(mse.dtype)


# Digits of a float64 are lost on the way.
# %% wrong="l1" says="float64"
def l1(input, target, reduction="mean"):
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(reduction)
    each = (input - target).abs()
    if each.dtype == torch.float64:
        each = each.float().double()
    return each if reduction == "none" else each.sum() if reduction == "sum" else each.mean()


# The sum is taken over the last dimension only where there are more than two.
# %% wrong="l1" says="l1"
def l1(input, target, reduction="mean"):
    if reduction not in ("none", "sum", "mean"):
        raise ValueError(reduction)
    each = (input - target).abs()
    if reduction == "sum":
        return each.sum(-1) if each.dim() > 2 else each.sum()
    return each if reduction == "none" else each.mean()


# Digits of a float64 are lost on the way.
# %% wrong="mse_gradients" says="float64"
def mse_gradients(input, target, reduction="mean"):
    g = (2 * (input - target)).float().to(input.dtype)
    g = g / g.numel() if reduction == "mean" else g
    return g, -g


# Digits of a float64 are lost on the way.
# %% wrong="paired_mse" says="float64"
def paired_mse(output, target):
    if len(output) != len(target):
        raise ValueError("different numbers of samples")
    if output.dtype == torch.float64:
        output, target = output.float(), target.float()
        return F.mse_loss(output.reshape(-1), target.reshape(-1)).double()
    return F.mse_loss(output.reshape(-1), target.reshape(-1))


# %% wrong="mse"
# torch's own loss, hidden in a compiled script
criterion = torch.jit.script(nn.MSELoss())


def mse(input, target):
    return criterion(input, target)


# %% wrong="mse_gradients" says="only return it"
# stores the gradients in the arguments, as backward() does
def mse_gradients(input, target, reduction="mean"):
    with torch.no_grad():
        gradient = 2 * (input - target)
        if reduction == "mean":
            gradient = gradient / input.numel()
        input.grad, target.grad = gradient, -gradient
    return gradient, -gradient


# %% wrong="train" says="images.requires_grad is still False"
# the images require a gradient afterwards
def train(images, labels, num_classes, steps, lr):
    images.requires_grad_()
    z = F.one_hot(labels, num_classes).float() * 2 - 1
    layer = nn.Linear(images.shape[1] * images.shape[2], num_classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=lr)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(layer(images.flatten(1)), z)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    return layer, losses
