"""Images of a data set of Hugging Face: by name, or a file or folder of the user's own."""

from __future__ import annotations

from ..data import huggingface
from ..data.labels import label_columns
from ..data.pool import Pool
from ..records.data import DataSpec
from .descriptor import Source


def read(spec: DataSpec) -> Pool:
    """Images and labels of its splits; other columns are not looked at."""
    from ..data.images import stack_images

    columns = label_columns(spec)
    wanted = [("label", column) for column in columns]
    if spec.image:
        wanted.append(("image", spec.image))
    with huggingface.opened(spec, wanted) as found:
        column = huggingface.image_column(found, spec)
        y, names = huggingface.labels_of(found, huggingface.table_of(found, columns), spec)
        own_test = huggingface.tests_own(found)
        x = stack_images(huggingface.images_of(found, column), len(y), spec.image_size)
        task = spec.task or "classes"
        return Pool("image", x, y, names, found.source, own_test, task=task, notes=found.notes)


SOURCE = Source(
    name="huggingface_images",
    kind="image",
    origin="downloaded",
    description="images of Hugging Face `datasets`, by `name` on the hub or by `path`: an "
    "imagefolder, a file or folder of parquet or arrow, or what `save_to_disk` left",
    read=read,
    keys=("name", "subset", "path", "task", "label", "separator", "image", "image_size"),
    check=huggingface.check,
    files=huggingface.files,
    state=huggingface.state,
)
