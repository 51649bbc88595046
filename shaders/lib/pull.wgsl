// What was sent in the interval before is added to the ring of one tile, by its workgroup. Twin: src/neuron/frame/step.rs.
// Its invocations list the spikes together; then teams of them take one after the other. Sums are i32 in two's
// complement, so their order does not matter.

// Spikes that are listed at once.
const LIST = 2048u;

// Invocations that share the synapses of a spike.
const TEAM = 8u;

// Stands for a place of the list that was too short for the spikes of a word.
const NONE = 0xffffffffu;

var<workgroup> listed: array<u32, LIST>;
var<workgroup> places: atomic<u32>;
var<workgroup> filled: u32;

// Adds what spike number `spike` of the rows carries to a tile; of the numbers of a team this is `member`.
fn pull_spike(spike: u32, tile: u32, member: u32) {
    let source = (spike / 32u) % ROW_WORDS * 32u + spike % 32u;
    let sent = (clock.step_lo + span.t0 + spike / 32u / ROW_WORDS) - INTERVAL;
    let segment = source * params.tiles + tile;
    let all = params.stride * TILE;
    let end = start[params.start_at + segment + 1u];
    for (var s = start[params.start_at + segment] + member; s < end; s += TEAM) {
        let word = port[params.port_at + s];
        let place = word & ((1u << params.port_bits) - 1u);
        let slot = (sent + (word >> params.port_bits)) & (params.slots - 1u);
        let carried = weight[params.weight_at + select(s, segment, SHARED == 1u)];
        atomicAdd(&ring[ring_index((tile * params.slots + slot) * all + place % all)], carried);
    }
}

fn pull(tile: u32, local: u32) {
    let rows = INTERVAL * ROW_WORDS;
    // The word that this invocation is at, and which of its spikes are not listed yet.
    var word = local;
    var bits = 0u;
    var seen = false;
    loop {
        if local == 0u {
            atomicStore(&places, 0u);
        }
        workgroupBarrier();
        while word < rows {
            if !seen {
                bits = spikes[params.before_at + span.t0 * ROW_WORDS + word];
                seen = true;
            }
            let count = countOneBits(bits);
            if count > 0u {
                var place = atomicAdd(&places, count);
                if place + count > LIST {
                    for (; place < LIST; place++) {
                        listed[place] = NONE;
                    }
                    break;
                }
                while bits != 0u {
                    listed[place] = word * 32u + firstTrailingBit(bits);
                    bits &= bits - 1u;
                    place++;
                }
            }
            word += WG;
            seen = false;
        }
        workgroupBarrier();
        if local == 0u {
            filled = atomicLoad(&places);
        }
        let found = workgroupUniformLoad(&filled);
        for (var k = local / TEAM; k < min(found, LIST); k += WG / TEAM) {
            if listed[k] != NONE {
                pull_spike(listed[k], tile, local % TEAM);
            }
        }
        workgroupBarrier();
        if found <= LIST {
            break;
        }
    }
}
