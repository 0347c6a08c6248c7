# %% [markdown]
# Other answers to the exercise of `00_start`: right ones that its check must accept, wrong ones that it must reject
# with a message that leads to the mistake.


# %% right="scale"
def scale(images):
    return images * 0.0625


# %% right="scale"
def scale(images):
    return torch.div(images, 16)


# %% right="scale"
def scale(images):
    answer = images.clone()
    answer /= 16
    return answer


# Pixels of most pictures go to 255
# %% wrong="scale" says="You divided by 255"
def scale(images):
    return images / 255


# By the largest pixel there is
# %% wrong="scale" says="You divided by the darkest pixel"
def scale(images):
    return images / images.max()


# Nothing is done
# %% wrong="scale" says="These are the pixels as they were"
def scale(images):
    return images


# Whole numbers
# %% wrong="scale" says="cuts off the fraction"
def scale(images):
    return images // 16


# In place
# %% wrong="scale" says="You changed images itself"
def scale(images):
    images /= 16
    return images


# The levels are 17, black is 16
# %% wrong="scale" says="values differ"
def scale(images):
    return images / 17


# Returns nothing
# %% wrong="scale" says="None"
def scale(images):
    images / 16


# Only what the visible check shows: black and white, and one small image
# %% wrong="scale" says="2 grey images"
def scale(images):
    if images.dim() == 2:
        return images / 16
    return images.clamp(max=1)


# Multiplied
# %% wrong="scale" says="You multiplied"
def scale(images):
    return images * 16


# As on paper: black is 0
# %% wrong="scale" says="White and black are swapped"
def scale(images):
    return 1 - images / 16


# Another dtype
# %% wrong="scale" says="float64"
def scale(images):
    return images.double() / 16
