"""Steps of PyTorch's exporter: not here."""

from .._absent import fill

fill(
    globals(),
    "torch.export.export makes an exported program in one step",
    classes="ATenExportArtifact ExportArtifact",
    functions="_export _export_for_training _export_to_aten_ir _export_to_torch_ir _non_strict_export _strict_export "
    "_convert_ts_to_export_experimental",
)
