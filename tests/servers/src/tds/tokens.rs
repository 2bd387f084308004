//! The tokens of a response that carry no rows (MS-TDS 2.2.7).

use bytes::{BufMut, BytesMut};

use crate::tsql::SqlError;

/// The name that the double gives itself.
const SERVER: &str = "sqlserver-double";
/// Latin1_General_100_BIN2: language 0x0409, binary by code point, version 2; no sort order of old.
pub(super) const COLLATION: [u8; 5] = [0x09, 0x04, 0x00, 0x22, 0x00];

/// More tokens of this response follow.
pub(super) const MORE: u16 = 0x01;
/// The statement failed.
pub(super) const ERROR: u16 = 0x02;
/// The count is valid.
pub(super) const COUNT: u16 = 0x10;
/// The answer to an attention signal.
pub(super) const ATTENTION: u16 = 0x20;

/// The kinds of DONE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Batch = 0xfd,
    Procedure = 0xfe,
    InProcedure = 0xff,
}

/// Text behind a byte that counts its units; what is longer is cut off.
pub(super) fn short_text(out: &mut BytesMut, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(255).collect();
    out.put_u8(u8::try_from(units.len()).unwrap_or(u8::MAX));
    units.into_iter().for_each(|unit| out.put_u16_le(unit));
}

/// Text behind two bytes that count its units; what is longer is cut off.
pub(super) fn long_text(out: &mut BytesMut, text: &str) {
    let units: Vec<u16> = text.encode_utf16().take(4_000).collect();
    out.put_u16_le(u16::try_from(units.len()).unwrap_or(u16::MAX));
    units.into_iter().for_each(|unit| out.put_u16_le(unit));
}

/// A token whose length stands before its body.
fn sized(out: &mut BytesMut, token: u8, body: &BytesMut) {
    out.put_u8(token);
    out.put_u16_le(u16::try_from(body.len()).unwrap_or(u16::MAX));
    out.extend_from_slice(body);
}

/// LOGINACK for the version of the protocol that both sides speak.
pub(super) fn login_ack(out: &mut BytesMut, version: u32) {
    let mut body = BytesMut::new();
    body.put_u8(1);
    body.put_u32(version);
    short_text(&mut body, "Microsoft SQL Server");
    body.extend_from_slice(&[15, 0, 0x07, 0xd0]);
    sized(out, 0xad, &body);
}

/// ENVCHANGE of something that is a text.
pub(super) fn environment(out: &mut BytesMut, kind: u8, new: &str, old: &str) {
    let mut body = BytesMut::new();
    body.put_u8(kind);
    short_text(&mut body, new);
    short_text(&mut body, old);
    sized(out, 0xe3, &body);
}

/// ENVCHANGE of something that is bytes: the collation, a transaction.
pub(super) fn environment_bytes(out: &mut BytesMut, kind: u8, new: &[u8], old: &[u8]) {
    let mut body = BytesMut::new();
    body.put_u8(kind);
    for bytes in [new, old] {
        body.put_u8(u8::try_from(bytes.len()).unwrap_or(0));
        body.extend_from_slice(bytes);
    }
    sized(out, 0xe3, &body);
}

/// ENVCHANGE that sends the client on to another server.
pub(super) fn routing(out: &mut BytesMut, host: &str, port: u16) {
    let mut target = BytesMut::new();
    // TCP.
    target.put_u8(0);
    target.put_u16_le(port);
    long_text(&mut target, host);
    let mut body = BytesMut::new();
    body.put_u8(change::ROUTING);
    body.put_u16_le(u16::try_from(target.len()).unwrap_or(0));
    body.extend_from_slice(&target);
    body.put_u16_le(0);
    sized(out, 0xe3, &body);
}

/// Kinds of ENVCHANGE.
pub(super) mod change {
    pub(in super::super) const DATABASE: u8 = 1;
    pub(in super::super) const LANGUAGE: u8 = 2;
    pub(in super::super) const PACKET_SIZE: u8 = 4;
    pub(in super::super) const COLLATION: u8 = 7;
    pub(in super::super) const BEGIN: u8 = 8;
    pub(in super::super) const COMMIT: u8 = 9;
    pub(in super::super) const ROLLBACK: u8 = 10;
    pub(in super::super) const ROUTING: u8 = 20;
}

/// ERROR, or INFO where the severity is that of a message.
pub(super) fn error(out: &mut BytesMut, error: &SqlError) {
    let mut body = BytesMut::new();
    body.put_u32_le(error.number);
    body.put_u8(error.state);
    body.put_u8(error.class);
    long_text(&mut body, &error.message);
    short_text(&mut body, SERVER);
    short_text(&mut body, "");
    body.put_u32_le(error.line);
    sized(out, if error.class > 10 { 0xaa } else { 0xab }, &body);
}

/// DONE, DONEPROC or DONEINPROC.
pub(super) fn done(out: &mut BytesMut, kind: Done, status: u16, command: u16, count: u64) {
    out.put_u8(kind as u8);
    out.put_u16_le(status);
    out.put_u16_le(command);
    out.put_u64_le(count);
}

/// RETURNSTATUS of a procedure that went well.
pub(super) fn return_status(out: &mut BytesMut, status: i32) {
    out.put_u8(0x79);
    out.put_i32_le(status);
}
