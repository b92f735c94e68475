"""The encoder itself: texts to vectors, with onnxruntime and tokenizers, which only this module loads."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hate_speech_ai.artifact import ArtifactError
from hate_speech_ai.encoder.reading import READING_VERSION

#: The files of an encoder's folder that decide its vectors.
MODEL_FILE, TOKENIZER_FILE = "model.onnx", "tokenizer.json"
#: Of a longer text, the encoder reads the beginning.
MAX_TOKENS = 128

_AT_ONCE = 64
# onnxruntime's joint operator for a sum and the norm of a layer is slower than the two, for texts as short as these.
_SLOWER = ["SkipLayerNormFusion"]
# With these packages, the same model gives the same vectors on one kind of processor.
_EXTRA = "install it with: pip install -r requirements-full.txt"


class EncoderUnavailable(ArtifactError):
    """There is no encoder, or not the one that a model was trained with; the message says what to do."""


class Embedder(Protocol):
    """What models need of an encoder; see `Encoder`."""

    @property
    def sha256(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class Encoder:
    """A small sentence encoder in a folder, safe to share between threads.

    Args:
        folder: has `model.onnx` (input `input_ids`, and `attention_mask` if it wants one, int64 (1, t); one output,
            float32 (1, dimensions)) and `tokenizer.json` of the library tokenizers.
        threads: that embed different texts at once. Each text has one.

    Attributes:
        sha256: of the model, the tokenizer and how texts are read, in hex: the name by which models ask for it.
        dimensions: of its vectors.

    Raises:
        EncoderUnavailable: a package or a file is missing, or a file is no encoder.
    """

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        try:
            import onnxruntime
            import tokenizers
        except ImportError as error:
            raise EncoderUnavailable(f"the encoder needs the package {error.name}; {_EXTRA}") from error
        model, tokenizer = (_content(folder / name) for name in (MODEL_FILE, TOKENIZER_FILE))
        self.sha256 = _name(model, tokenizer)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Requests give back what they took: texts of many lengths would otherwise each keep their memory.
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER
            )
            self._tokenizer: Any = tokenizers.Tokenizer.from_buffer(tokenizer)
            [output] = self._session.get_outputs()
            self.dimensions = int(output.shape[1])
        except Exception as error:  # onnxruntime and tokenizers have no common class of errors
            raise EncoderUnavailable(f"{folder} holds no encoder: {error}") from error
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._output = output.name
        self._has_mask = any(one.name == "attention_mask" for one in self._session.get_inputs())
        self._threads = threads

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector for each text, as `reading.encoder_text` has them.

        Each text is a run of its own. An int8 model chooses scales for all that it gets in one run, padding included:
        beside other texts, a text would have another vector.

        Returns:
            float32 (texts, dimensions).
        """
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        if self._threads == 1 or len(texts) < _AT_ONCE:
            for place, text in enumerate(texts):
                vectors[place] = self._embed(text)
            return vectors
        with ThreadPoolExecutor(self._threads) as pool:  # onnxruntime lets Python's lock go
            for place, vector in enumerate(pool.map(self._embed, texts, chunksize=1)):
                vectors[place] = vector
        return vectors

    def _embed(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids)} if self._has_mask else {"input_ids": ids}
        vector: NDArray[np.float32] = self._session.run([self._output], given)[0][0]
        return vector


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise EncoderUnavailable(
            f"the encoder's file {path} cannot be read ({error.strerror}); it is in data/encoder/ of the repository"
        ) from error


def _name(model: bytes, tokenizer: bytes) -> str:
    parts = [hashlib.sha256(content).hexdigest() for content in (model, tokenizer)]
    return hashlib.sha256(f"{' '.join(parts)} reading {READING_VERSION} tokens {MAX_TOKENS}".encode()).hexdigest()
