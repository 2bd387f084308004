//! Commands as bytes: an array of bulk strings, in both versions.

use keyspace::Command;

/// Appends a command.
pub fn command(out: &mut Vec<u8>, command: &Command<'_>) {
    parts(out, command.len(), |each| command.parts(each));
}

/// Appends a command of these words.
pub fn words(out: &mut Vec<u8>, words: &[&[u8]]) {
    parts(out, words.len(), |each| words.iter().for_each(|word| each(word)));
}

fn parts(out: &mut Vec<u8>, count: usize, visit: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    header(out, b'*', count);
    visit(&mut |part| {
        header(out, b'$', part.len());
        out.extend_from_slice(part);
        out.extend_from_slice(b"\r\n");
    });
}

fn header(out: &mut Vec<u8>, sign: u8, number: usize) {
    out.push(sign);
    out.extend_from_slice(number.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_an_array_of_bulk_strings() {
        let mut out = Vec::new();
        command(&mut out, &Command::Get("ü\r\n"));
        command(&mut out, &Command::Size);
        words(&mut out, &[b"SELECT", b"3"]);
        let right =
            "*2\r\n$3\r\nGET\r\n$4\r\nü\r\n\r\n*1\r\n$6\r\nDBSIZE\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), right);
    }
}
