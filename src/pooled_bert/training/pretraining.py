"""Further masked-language-model pre-training on a benchmark's own texts, without their labels."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from transformers import PreTrainedTokenizerFast, TFBertForMaskedLM

from ..base.deadline import Deadline
from ..base.errors import InputError
from ..inputs.tokens import Tokens, encode_whole
from ..models.dropout import count_step, dropout_seed, replace_dropout
from ..models.encoders import clear_when_full, load_language_model, load_tokenizer, longest_text
from ..models.precision import set_precision
from .checkpoints import Checkpoints
from .loop import Feed, Loop
from .optimizer import create_variables, make_optimizer, optimizer_variables
from .settings import PretrainingSettings

MASK_SHARE, RANDOM_SHARE = 0.8, 0.1  # shares of the chosen tokens that become [MASK], or a random token


def pretrain(
    texts: Sequence[str],
    settings: PretrainingSettings,
    *,
    cache: Path,
    checkpoints: Checkpoints,
    deadline: Deadline,
) -> tuple[Callable[[Path], None], list[dict]]:
    """Pre-train the encoder further, resuming from the last checkpoint if there is one.

    Returns a function that saves the model into a folder, in the form that ``--encoder`` reads, and the history, one
    record with the loss per epoch.
    """
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(settings.seed)
    set_precision(settings.precision)
    tokenizer = load_tokenizer(settings.encoder, texts)
    model = load_language_model(settings.encoder, tokenizer)
    longest = longest_text(model)
    if settings.max_length > longest:
        raise InputError(
            f"--max-length {settings.max_length}: this encoder reads {longest} tokens at most; lower it"
        )
    tokens = encode_whole(list(texts), tokenizer, max_length=settings.max_length, cache=cache)
    feed = masked_feed(tokens, tokenizer, settings)
    optimizer = make_optimizer(
        settings.learning_rate,
        total_steps=feed.steps * feed.epochs,
        warmup=settings.warmup,
        decay="linear",
    )
    dropout = dropout_seed(settings.seed)
    step = language_step_function(model, optimizer, dropout)
    loop = Loop(
        step,
        [*model.variables, *optimizer_variables(optimizer), dropout],
        feed,
        title="pre-training",
        checkpoints=checkpoints,
        deadline=deadline,
    )

    def end_epoch(epoch: int, loss: float) -> tuple[dict, str]:
        return {"epoch": epoch, "loss": loss}, f"epoch {epoch}: loss of masked tokens {loss:.4f}"

    history = loop.run(end_epoch)

    def save(folder: Path) -> None:
        with clear_when_full():
            model.save_pretrained(folder, safe_serialization=True)
            tokenizer.save_pretrained(folder)

    return save, history


def masked_feed(tokens: Tokens, tokenizer: PreTrainedTokenizerFast, settings: PretrainingSettings) -> Feed:
    """Make the Feed of batches; each epoch masks other tokens (Liu et al. 2019, "dynamic masking")."""

    def batch(rows: np.ndarray, random: np.random.Generator) -> tuple:
        inputs = tokens.padded(rows)
        masked, targets = mask_tokens(inputs["input_ids"], tokenizer, settings.masked, random)
        return {**inputs, "input_ids": masked}, targets

    matrix = tf.TensorSpec([None, None], tf.int32)
    names = ("input_ids", "token_type_ids", "attention_mask")
    return Feed(
        tokens.lengths,
        batch,
        (dict.fromkeys(names, matrix), matrix),
        batch_size=settings.batch_size,
        epochs=settings.epochs,
        seed=settings.seed,
    )


def mask_tokens(
    ids: np.ndarray, tokenizer: PreTrainedTokenizerFast, share: float, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Choose ``share`` of the tokens ``ids``, int32 [batch, length], and mask them (Devlin et al. 2019).

    Of the chosen tokens 80 % become [MASK], 10 % a random token, and 10 % stay. [CLS], [SEP] and padding are never
    chosen; at least one token per batch is, if the batch has any other tokens.

    Returns the model's input, and the targets: the original id of each chosen token, −1 elsewhere. Both are int32
    [batch, length].
    """
    special = [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id]
    draws = np.where(np.isin(ids, special), np.inf, random.random(ids.shape))
    chosen = (draws < share) | ((draws == draws.min()) & np.isfinite(draws))
    kind = random.random(ids.shape)
    inputs = np.where(chosen & (kind < MASK_SHARE), tokenizer.mask_token_id, ids)
    is_random = chosen & (kind >= MASK_SHARE) & (kind < MASK_SHARE + RANDOM_SHARE)
    inputs = np.where(is_random, random.integers(len(tokenizer), size=ids.shape), inputs)
    return inputs.astype(np.int32), np.where(chosen, ids, -1).astype(np.int32)


def language_step_function(
    model: TFBertForMaskedLM, optimizer: tf.keras.optimizers.legacy.Optimizer, seed: tf.Variable
) -> Callable:
    """Compile step(inputs, targets) -> loss; targets: int32 [batch, length], −1 for tokens that were not chosen.

    ``seed`` decides what dropout drops, and each step counts it up. Only chosen tokens pass through the head; otherwise
    its product with the vocabulary would be most of the work.
    """
    replace_dropout(model, lambda: seed)
    is_scaled = isinstance(optimizer, tf.keras.mixed_precision.LossScaleOptimizer)
    variables = model.trainable_variables
    create_variables(optimizer, variables)
    matrix = tf.TensorSpec([None, None], tf.int32)
    names = ("input_ids", "token_type_ids", "attention_mask")

    @tf.function(input_signature=[dict.fromkeys(names, matrix), matrix], autograph=False)
    def step(inputs, targets):
        positions = tf.where(targets >= 0)
        with tf.GradientTape() as tape:
            hidden = model.bert(inputs, training=True).last_hidden_state
            logits = model.mlm(tf.gather_nd(hidden, positions)[tf.newaxis], training=True)[0]
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.gather_nd(targets, positions), tf.cast(logits, tf.float32)
            )
            loss = tf.reduce_sum(losses) / tf.maximum(tf.cast(tf.size(losses), tf.float32), 1.0)
            scaled = optimizer.get_scaled_loss(loss) if is_scaled else loss
        gradients = tape.gradient(scaled, variables)
        gradients = optimizer.get_unscaled_gradients(gradients) if is_scaled else gradients
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        count_step(seed)
        return loss

    step.get_concrete_function()
    return step
