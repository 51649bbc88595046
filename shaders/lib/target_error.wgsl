// Error of an output against a target, and its slope; whether the output tells a mark where one is wanted.
// Twin: src/train/target_error.rs. The form is chosen when the pipeline is built.

fn error_of(x: f32, wanted: f32) -> vec2<f32> {
    let e = x - wanted;
    switch FORM {
        case 0u: {
            return vec2<f32>(e * e, 2.0 * e);
        }
        case 1u: {
            let held = clamp(e, -params.delta, params.delta);
            return vec2<f32>(held * (e - 0.5 * held), held);
        }
        default: {
            let decay = exp(-abs(x));
            let upper = select(decay, 1.0, x > 0.0);
            let error = max(x, 0.0) - x * wanted + log(1.0 + decay);
            return vec2<f32>(error, upper / (1.0 + decay) - wanted);
        }
    }
}

fn is_right(x: f32, wanted: f32) -> bool {
    return (x > 0.0) == (wanted > 0.5);
}
