// A launch in a linked shader: what lib/merged.wgsl is where launches are dispatched.
var<private> params: Params;
var<private> workgroups: u32;

fn is_beyond(group: vec3<u32>, groups: vec3<u32>) -> bool {
    return group.x >= groups.x;
}

fn invocation(group: vec3<u32>, groups: vec3<u32>, local: u32, size: u32) -> u32 {
    return group.x * size + local;
}
