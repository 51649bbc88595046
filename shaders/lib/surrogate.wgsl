// Surrogate derivative f(x) of a spike and the soft spike of which it is the derivative.
// Twin: src/neuron/surrogate.rs. The choice is made when the pipeline is built.

fn surrogate_derivative(steepness: f32, x: f32) -> f32 {
    switch SURROGATE {
        case 0u: {
            let d = 1.0 + steepness * abs(x);
            return 1.0 / (d * d);
        }
        case 1u: {
            let y = 1.57079632679 * steepness * x;
            return 0.5 * steepness / (1.0 + y * y);
        }
        case 2u: {
            return steepness * max(1.0 - abs(x), 0.0);
        }
        case 3u: {
            return select(0.0, 1.0 / steepness, abs(x) < 0.5 * steepness);
        }
        default: {
            return 1.0;
        }
    }
}

fn surrogate_soft_spike(steepness: f32, x: f32) -> f32 {
    switch SURROGATE {
        case 0u: {
            return 0.5 + x / (1.0 + steepness * abs(x));
        }
        case 1u: {
            return 0.5 + atan(1.57079632679 * steepness * x) * 0.318309886184;
        }
        case 2u: {
            let y = clamp(x, -1.0, 1.0);
            return 0.5 + steepness * (y - 0.5 * y * abs(y));
        }
        case 3u: {
            return 0.5 + clamp(x / steepness, -0.5, 0.5);
        }
        default: {
            return 0.5 + x;
        }
    }
}
