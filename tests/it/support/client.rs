//! A small blocking client of both protocols that hides nothing: raw bytes in, every reply out.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::value::Value;

/// How long a reply may take.
const REPLY_TIMEOUT: Duration = Duration::from_secs(20);

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).expect("the server accepts connections")
    }

    /// Connects, or says why not.
    pub(crate) fn try_connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, REPLY_TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
        stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
        let reader = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    /// Returns the socket, for tests that read and write bytes themselves.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// Returns this connection's own address, as CLIENT LIST shows it.
    pub(crate) fn local_address(&self) -> String {
        self.stream.local_addr().expect("the socket is connected").to_string()
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the connection is open");
    }

    /// Sends one command without waiting for its reply.
    pub(crate) fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) {
        self.send_raw(encode(arguments));
    }

    /// Ends this side of the conversation; replies can still be read.
    pub(crate) fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("the connection is open");
    }

    /// Reads one reply or push.
    #[track_caller]
    pub(crate) fn recv(&mut self) -> Value {
        self.try_recv().unwrap_or_else(|error| panic!("no reply: {error}"))
    }

    /// Reads one reply or push, or says why there is none.
    pub(crate) fn try_recv(&mut self) -> io::Result<Value> {
        read_value(&mut self.reader)
    }

    /// Says whether more was read together with the last reply.
    pub(crate) fn has_more(&self) -> bool {
        !self.reader.buffer().is_empty()
    }

    /// Sends one command and returns its reply.
    #[track_caller]
    pub(crate) fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Value {
        self.send(arguments);
        self.recv()
    }

    /// Sends one command, written as a line of words, and returns its reply.
    #[track_caller]
    pub(crate) fn line(&mut self, line: &str) -> Value {
        self.call(&super::transcript::words(line))
    }

    /// Sends the commands in one write and returns their replies in order.
    #[track_caller]
    pub(crate) fn pipeline(&mut self, lines: &[&str]) -> Vec<Value> {
        let batch: Vec<u8> =
            lines.iter().flat_map(|line| encode(&super::transcript::words(line))).collect();
        self.send_raw(batch);
        lines.iter().map(|_| self.recv()).collect()
    }

    /// Says whether the server has closed the connection; reads whatever came before that.
    pub(crate) fn is_closed_by_server(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.reader.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    /// Returns one field of INFO.
    #[track_caller]
    pub(crate) fn info(&mut self, field: &str) -> String {
        let text = self.call(&["INFO", "everything"]).text();
        let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.unwrap_or_else(|| panic!("no INFO field {field}")).to_owned()
    }

    /// Returns one numeric field of INFO.
    #[track_caller]
    pub(crate) fn info_int(&mut self, field: &str) -> i64 {
        self.info(field).parse().expect("the field is a number")
    }
}

/// Writes a command as an array of bulk strings.
pub(crate) fn encode<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let bytes = argument.as_ref();
        out.extend_from_slice(format!("${}\r\n", bytes.len()).as_bytes());
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the server"));
    }
    if !line.ends_with(b"\r\n") {
        return Err(invalid(format!("a line without its end: {}", line.escape_ascii())));
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn read_value(reader: &mut impl BufRead) -> io::Result<Value> {
    let line = read_line(reader)?;
    let (mark, rest) = line.split_at_checked(1).ok_or_else(|| invalid("an empty line"))?;
    let number = || rest.parse::<i64>().map_err(|_| invalid(format!("bad length: {line}")));
    Ok(match mark {
        "+" => Value::Simple(rest.to_owned()),
        "-" => Value::Error(rest.to_owned()),
        ":" => Value::Int(number()?),
        "_" => Value::Null,
        "," => Value::Double(rest.to_owned()),
        "(" => Value::BigNumber(rest.to_owned()),
        "#" => Value::Bool(rest == "t"),
        "$" => read_bulk(reader, number()?)?.map_or(Value::NilBulk, Value::Bulk),
        "=" => read_verbatim(reader, number()?)?,
        "*" if number()? < 0 => Value::NilArray,
        "*" => Value::Array(read_items(reader, number()?)?),
        "~" => Value::Set(read_items(reader, number()?)?),
        ">" => Value::Push(read_items(reader, number()?)?),
        "%" => Value::Map(read_pairs(reader, number()?)?),
        "|" => {
            let attributes = read_pairs(reader, number()?)?;
            Value::Attribute(attributes, Box::new(read_value(reader)?))
        }
        _ => return Err(invalid(format!("not a reply: {line:?}"))),
    })
}

fn read_bulk(reader: &mut impl BufRead, length: i64) -> io::Result<Option<Vec<u8>>> {
    let Ok(length) = usize::try_from(length) else { return Ok(None) };
    let mut bytes = vec![0; length + 2];
    reader.read_exact(&mut bytes)?;
    if !bytes.ends_with(b"\r\n") {
        return Err(invalid("a bulk string of another length than it says"));
    }
    bytes.truncate(length);
    Ok(Some(bytes))
}

fn read_verbatim(reader: &mut impl BufRead, length: i64) -> io::Result<Value> {
    let bytes = read_bulk(reader, length)?.unwrap_or_default();
    let (format, text) =
        bytes.split_at_checked(4).ok_or_else(|| invalid("a verbatim string without a format"))?;
    Ok(Value::Verbatim(String::from_utf8_lossy(&format[..3]).into_owned(), text.to_vec()))
}

fn read_items(reader: &mut impl BufRead, count: i64) -> io::Result<Vec<Value>> {
    (0..count).map(|_| read_value(reader)).collect()
}

fn read_pairs(reader: &mut impl BufRead, count: i64) -> io::Result<Vec<(Value, Value)>> {
    (0..count).map(|_| Ok((read_value(reader)?, read_value(reader)?))).collect()
}
