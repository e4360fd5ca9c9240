//! Programs that are small files and a lot of work for a compiler.

/// A module whose functions have this many blocks each, which all depend on each other through
/// this many variables.
pub(crate) fn module(functions: usize, blocks: usize, variables: usize) -> Vec<u8> {
    let mut wasm = b"\0asm\x01\0\0\0".to_vec();
    section(&mut wasm, 1, &[1, 0x60, 0, 0]);
    let mut declared = number(functions);
    declared.resize(declared.len() + functions, 0);
    section(&mut wasm, 3, &declared);
    section(&mut wasm, 5, &[1, 0, 1]);
    let exports = [&[2][..], b"\x06_start\0\0", b"\x06memory\x02\0"].concat();
    section(&mut wasm, 7, &exports);
    let body = body(blocks, variables);
    let mut code = number(functions);
    for _ in 0..functions {
        code.extend(number(body.len()));
        code.extend(&body);
    }
    section(&mut wasm, 10, &code);
    wasm
}

/// Each block leaves early when its sum is not zero, so that every variable has several values at
/// every end of a block.
fn body(blocks: usize, variables: usize) -> Vec<u8> {
    const I32: u8 = 0x7f;
    let mut body = [number(1), number(variables), vec![I32]].concat();
    for block in 0..blocks {
        let get = |body: &mut Vec<u8>, factor: usize| {
            body.push(0x20);
            body.extend(number(block * factor % variables));
        };
        body.extend([0x02, 0x40]); // block
        get(&mut body, 3);
        get(&mut body, 7);
        body.push(0x6a); // i32.add
        body.push(0x22); // local.tee
        body.extend(number(block * 13 % variables));
        body.extend([0x0d, 0]); // br_if 0
        get(&mut body, 5);
        body.push(0x21); // local.set
        body.extend(number((block * 11 + 1) % variables));
        body.push(0x0b); // end
    }
    body.push(0x0b);
    body
}

fn section(wasm: &mut Vec<u8>, id: u8, content: &[u8]) {
    wasm.push(id);
    wasm.extend(number(content.len()));
    wasm.extend(content);
}

/// LEB128, without a sign.
fn number(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
