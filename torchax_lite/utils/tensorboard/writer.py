"""``SummaryWriter``: tensorboardX's writer, which is given tensors as NumPy arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import tensorboardX
from tensorboardX.writer import FileWriter as _FileWriter

from ...tensor.tensor import Tensor
from .._pytree import tree_map_only

__all__ = ["FileWriter", "SummaryWriter"]


def _array(t: Tensor) -> Any:
    t = t.detach().cpu()
    return (t.float() if t.dtype.itemsize == 2 and t.is_floating_point() else t).numpy()


def to_arrays(value: Any) -> Any:
    """A value with NumPy arrays in place of its tensors."""
    return tree_map_only(Tensor, _array, value)


class FileWriter(_FileWriter):  # type: ignore[misc]
    """Writes protocol buffers into an event file.

    Args:
        log_dir: its folder. max_queue: events held before they are written. flush_secs: seconds until they are.
        filename_suffix: of the file.
    """

    def __init__(self, log_dir: Any, max_queue: int = 10, flush_secs: int = 120, filename_suffix: str = "") -> None:
        super().__init__(str(log_dir), max_queue, flush_secs, filename_suffix)


class SummaryWriter(tensorboardX.SummaryWriter):  # type: ignore[misc]
    """Writes scalars, images, histograms and more for TensorBoard.

    Args:
        log_dir: the folder; ``runs/<time>_<host><comment>`` by default.
        comment: see there.
        purge_step: drop what an earlier, crashed run wrote from this step on.
        max_queue, flush_secs: when events are written to the file.
        filename_suffix: of the file.
    """

    def __init__(
        self, log_dir: Any = None, comment: str = "", purge_step: int | None = None, max_queue: int = 10,
        flush_secs: int = 120, filename_suffix: str = "",
    ) -> None:  # fmt: skip
        super().__init__(
            logdir=None if log_dir is None else str(log_dir), comment=comment, purge_step=purge_step, max_queue=max_queue,
            flush_secs=flush_secs, filename_suffix=filename_suffix,
        )  # fmt: skip

    def get_logdir(self) -> str:
        """The folder."""
        return str(self.logdir)

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: int | None = None, walltime: float | None = None,
        new_style: bool = False, double_precision: bool = False,
    ) -> None:  # fmt: skip
        """One number at a step.

        Args:
            tag: its name. scalar_value: the number. global_step: the step. walltime: seconds since 1970.
            new_style: write it as a tensor, which TensorBoard reads faster.
            double_precision: keep float64 (with ``new_style``).
        """
        value = to_arrays(scalar_value)
        value = value.item() if hasattr(value, "item") else value
        super().add_scalar(tag, value, global_step, walltime, summary_description="") if not new_style else (
            self.add_tensor(tag, _scalar_array(value, double_precision), global_step, walltime, plugin="scalars")
        )

    def add_tensor(
        self, tag: str, tensor: Any, global_step: int | None = None, walltime: float | None = None, plugin: str = ""
    ) -> None:
        """A tensor at a step, as it is."""
        import numpy as np
        from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
        from tensorboardX.proto.tensor_pb2 import TensorProto
        from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto

        array = np.asarray(to_arrays(tensor))
        kinds = {"float32": "DT_FLOAT", "float64": "DT_DOUBLE", "int32": "DT_INT32", "int64": "DT_INT64",
                 "uint8": "DT_UINT8", "int8": "DT_INT8", "int16": "DT_INT16", "bool": "DT_BOOL"}  # fmt: skip
        if array.dtype.name not in kinds:
            raise NotImplementedError(f"add_tensor of dtype {array.dtype.name} is not available; cast it to float32")
        proto = TensorProto(
            dtype=kinds[array.dtype.name], tensor_content=array.tobytes(),
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=n) for n in array.shape]),
        )  # fmt: skip
        metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin))
        value = Summary.Value(tag=tag, tensor=proto, metadata=metadata if plugin else None)
        self._get_file_writer().add_summary(Summary(value=[value]), global_step, walltime)

    def add_graph(
        self, model: Any, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """The ops and parameters that a model's output comes from, found by running it on ``input_to_model``.

        Args:
            model: a module. input_to_model: its input, or a tuple of its inputs.
            verbose: print the graph. use_strict_trace: without effect, as nothing is traced.
        """
        from tensorboardX.proto.event_pb2 import Event

        from ._graph import graph_of

        graph = graph_of(model, input_to_model)
        if verbose:
            print(graph)
        self._get_file_writer().add_event(Event(graph_def=graph.SerializeToString()))

    def add_hparams(
        self, hparam_dict: dict[str, Any], metric_dict: dict[str, Any], hparam_domain_discrete: Any = None,
        run_name: str | None = None, global_step: int | None = None,
    ) -> None:  # fmt: skip
        """The settings of a run and what came of it, for TensorBoard's page of hyperparameters.

        Args:
            hparam_dict: settings: bools, strings, numbers. metric_dict: results by their tags.
            hparam_domain_discrete: for a setting, all the values that it may have.
            run_name: the folder below this one; the time by default. global_step: the step of the results.
        """
        for name, values in (hparam_domain_discrete or {}).items():
            if name not in hparam_dict or not all(isinstance(v, type(hparam_dict[name])) for v in values):
                raise TypeError(
                    f"parameter: hparam_domain_discrete[{name}] must be a list of same type as hparam_dict[{name}]."
                )
        super().add_hparams(to_arrays(hparam_dict), to_arrays(metric_dict), run_name, global_step)

    def add_image_with_boxes(
        self, tag: str, img_tensor: Any, box_tensor: Any, global_step: int | None = None, walltime: float | None = None,
        rescale: float = 1, dataformats: str = "CHW", labels: Any = None,
    ) -> None:  # fmt: skip
        """An image with boxes (x1, y1, x2, y2) drawn on it, and their labels."""
        super().add_image_with_boxes(
            tag,
            to_arrays(img_tensor),
            to_arrays(box_tensor),
            global_step,
            walltime,
            dataformats,
            labels,
            rescale=rescale,
        )


def _scalar_array(value: Any, double_precision: bool) -> Any:
    import numpy as np

    return np.array(value, np.float64 if double_precision else np.float32)


def _converting(name: str) -> Callable[..., Any]:
    method = getattr(tensorboardX.SummaryWriter, name)

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(self, *to_arrays(args), **to_arrays(kwargs))

    call.__name__, call.__qualname__, call.__doc__ = name, f"SummaryWriter.{name}", f"tensorboardX's ``{name}``."
    call.__signature__ = inspect.signature(method)  # type: ignore[attr-defined]
    return call


for _name in (
    "add_audio", "add_embedding", "add_histogram", "add_histogram_raw", "add_image", "add_images", "add_mesh", "add_pr_curve", "add_pr_curve_raw", "add_scalars", "add_video",
):  # fmt: skip
    setattr(SummaryWriter, _name, _converting(_name))
