"""Writes eprop.bin and eprop_regression.bin, of which tests/eprop.rs takes the references of e-prop, and prints the losses
that it expects.

Networks, data and updates are those of two tasks as published by Bellec et al. (2020), in the order of draws of the NEST
simulator's tests of its e-prop synapses, whose losses these are:

  evidence accumulation  40 inputs, 50 neurons with a fixed threshold and 50 whose threshold adapts, two outputs, by Adam
  regression             100 inputs, 100 neurons, an output that is to follow a sum of four sines, by plain descent

Run with numpy, which keeps this order of draws for ever:

    python3 tests/data/eprop.py

Files have, in little endian: weights as f32, inputs, recurrent and outputs, by source and then target, and those of the
feedback, by neuron and then output; then spikes of samples, a bit for each input in each step, the first input in the
lowest bit, each step beginning a byte. Of evidence accumulation there are 5 updates by 1 sample and 5 by 2, and then
the label of each sample, a byte; of regression there is one sample, and then the target of each step as f64.
"""

import os
from dataclasses import dataclass

import numpy as np

UPDATES = 5


@dataclass
class Task:
    """Numbers of a task; times in steps of a millisecond."""

    steps: int
    asked: int  # last steps, in which the answer is asked for
    inputs: int
    cells: int
    outputs: int
    tau: float
    v_th: float
    refractory: int
    jump: float  # by how much a spike moves a potential, in weights
    beta: np.ndarray  # what spikes do to thresholds
    batches: tuple


DECAY, RISE = np.exp(-1 / 20), np.exp(-1 / 2000)
EVIDENCE = Task(
    steps=2250,
    asked=150,
    inputs=40,
    cells=100,
    outputs=2,
    tau=20.0,
    v_th=0.6,
    refractory=5,
    jump=1.0,
    beta=np.repeat([0.0, 1.7 * (1 - RISE) / (1 - DECAY)], 50),
    batches=(1, 2),
)
REGRESSION = Task(
    steps=1000,
    asked=1000,
    inputs=100,
    cells=100,
    outputs=1,
    tau=30.0,
    v_th=0.03,
    refractory=0,
    jump=1 - np.exp(-1 / 30),
    beta=np.zeros(100),
    batches=(1,),
)


def draw(task, batch):
    """Weights, and for each update the samples: spikes and targets of each step."""
    random = np.random
    random.seed(1)

    def single(x):
        return np.array(x, np.float32).astype(float)

    inputs, cells, outputs, steps = task.inputs, task.cells, task.outputs, task.steps
    w_in = single(random.randn(inputs, cells).T / inputs**0.5)
    w_rec = single(random.randn(cells, cells).T / cells**0.5)
    np.fill_diagonal(w_rec, 0)
    if task is REGRESSION:
        w_out = single(random.randn(cells, outputs).T / cells**0.5)
        feedback = single(random.randn(cells, outputs) / cells**0.5)
        spikes = random.rand(steps, inputs) < 0.05
        spikes[0] = 0
        sizes, phases = random.uniform(0.5, 2.0, 4), random.uniform(0, 2 * np.pi, 4)
        course = 0
        for size, phase, period in zip(sizes, phases, (1000, 500, 333, 200)):
            course = course + size * np.sin(np.linspace(phase, phase + 2 * np.pi * (steps // period), steps))
        course -= course[0]
        course /= np.abs(course).max()
        return [w_in, w_rec, w_out, feedback], [[(spikes, course[:, None])]] * UPDATES
    bound = np.sqrt(3 / ((cells + outputs) / 2))
    w_out = single(random.uniform(-bound, bound, (cells, outputs)).T)
    feedback = single(random.randn(cells, outputs))
    updates = []
    for _ in range(UPDATES):
        likely = np.array([0.3, 0.7], np.float32)
        side = random.choice([0, 1], batch)
        chances = np.stack([likely[side], likely[1 - side]], 1)
        cues = np.array([random.choice([0, 1], 7, p=chance) for chance in chances])
        chance = np.zeros((batch, steps, inputs))
        for b in range(batch):
            for cue in range(7):
                first = 10 * cues[b, cue]
                chance[b, 150 * cue + 50 : 150 * cue + 150, first : first + 10] = 0.04
        chance[:, -task.asked :, 20:30] = 0.04
        chance[:, :, 30:] = 0.01
        spikes = chance > random.rand(chance.size).reshape(chance.shape)
        spikes[:, 0] = 0
        right = [np.eye(outputs)[int(cues[b].sum() > 3)] for b in range(batch)]
        updates.append([(spikes[b], np.tile(right[b], (steps, 1))) for b in range(batch)])
    return [w_in, w_rec, w_out, feedback], updates


def losses(task, weights, updates):
    """Losses of updates with random feedback, in the equations as they are published."""
    cells, outputs, steps, beta, v_th = task.cells, task.outputs, task.steps, task.beta, task.v_th
    w_in, w_rec, w_out, feedback = weights
    decay = np.exp(-1 / task.tau)
    c_reg, f_target = 300.0, 0.01
    learned = [w_in, w_rec, w_out]
    mean, square, told = [0] * 3, [0] * 3, []
    for update, samples in enumerate(updates):
        gradient, loss = [0] * 3, 0
        for x, target in samples:
            v = z = a = left = np.zeros(cells)
            y = np.zeros(outputs)
            spikes, slope, error = (np.zeros((steps, n)) for n in (cells, cells, outputs))
            for t in range(steps):
                left = np.maximum(left - 1, 0)
                v = decay * v + task.jump * (learned[0] @ x[t] + learned[1] @ z) - v_th * z
                a = RISE * a + z
                u = v - v_th - beta * a
                free = left == 0
                slope[t] = free * 0.3 / v_th * np.maximum(0, 1 - abs(u) / v_th)
                z = ((u >= 0) & free) * 1.0
                left = np.where(z > 0, task.refractory, left)
                spikes[t] = z
                y = decay * y + (1 - decay) * (learned[2] @ z)
                if t < steps - task.asked:
                    continue
                if task is REGRESSION:
                    error[t] = y - target[t]
                    loss += 0.5 * (error[t] ** 2).sum()
                else:
                    softmax = np.exp(y) / np.exp(y).sum()
                    error[t] = softmax - target[t]
                    loss -= np.log((softmax * target[t]).sum()) / task.asked / len(samples)
            signal = error @ feedback.T
            excess = c_reg / steps * (spikes.mean(0) - f_target)
            before = np.vstack([np.zeros((1, cells)), spikes[:-1]])
            for k, sent in ((0, x), (1, before)):
                z_bar = np.zeros(sent.shape[1])
                e_bar = epsilon = total = np.zeros((cells, sent.shape[1]))
                for t in range(steps):
                    z_bar = decay * z_bar + task.jump * sent[t]
                    e = slope[t][:, None] * (z_bar - beta[:, None] * epsilon)
                    epsilon = RISE * epsilon + e
                    e_bar = decay * e_bar + (1 - decay) * e
                    total = total + signal[t][:, None] * e_bar + excess[:, None] * e
                gradient[k] = gradient[k] + total * (1 - np.eye(cells) if k else 1)
            z_bar, total = np.zeros(cells), 0
            for t in range(steps):
                z_bar = decay * z_bar + (1 - decay) * spikes[t]
                total = total + np.outer(error[t], z_bar)
            gradient[2] = gradient[2] + total
        told.append(loss)
        for k in range(3):
            if task is REGRESSION:
                learned[k] = learned[k] - 1e-4 * gradient[k]
                continue
            g = gradient[k] / len(samples) / task.asked
            mean[k] = 0.9 * mean[k] + 0.1 * g
            square[k] = 0.999 * square[k] + 0.001 * g * g
            rate = 5e-3 * np.sqrt(1 - 0.999 ** (update + 1)) / (1 - 0.9 ** (update + 1))
            learned[k] = learned[k] - rate * mean[k] / (np.sqrt(square[k]) + 1e-8)
    return told


def main():
    for task, name in ((EVIDENCE, "eprop.bin"), (REGRESSION, "eprop_regression.bin")):
        content, wanted = b"", b""
        for batch in task.batches:
            weights, updates = draw(task, batch)
            if not content:
                natural = [weights[0].T, weights[1].T, weights[2].T, weights[3]]
                content = b"".join(w.astype("<f4").tobytes() for w in natural)
            for samples in updates[:1] if task is REGRESSION else updates:
                for spikes, target in samples:
                    content += np.packbits(spikes, axis=1, bitorder="little").tobytes()
                    if task is REGRESSION:
                        wanted += target.astype("<f8").tobytes()
                    else:
                        wanted += bytes([int(target[0].argmax())])
            print(name, batch, *(f"{loss:.12f}" for loss in losses(task, weights, updates)))
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
        with open(path, "wb") as file:
            file.write(content + wanted)


main()
