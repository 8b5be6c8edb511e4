//! Checks that a JPEG file is whole, which decoders do not: they fill what is missing with grey.
//!
//! The check reads every Huffman code and computes no pixel. A scan has to end with its last block directly in
//! front of the next marker: a block that was cut out or overwritten moves that end, because the codes behind it are
//! read differently. Only an end-of-image marker ends the picture (ITU-T T.81, annexes B, F and G).

/// Checks a file that begins with a start-of-image marker, and returns what is wrong with it.
///
/// A picture that is coded otherwise than baseline, extended sequential or progressive with 8 bits is left to the
/// decoder.
pub(super) fn check(file: &[u8]) -> Result<(), String> {
    let mut at = 2;
    let mut tables = Tables::default();
    let mut frame: Option<Frame> = None;
    loop {
        let marker = next_marker(file, &mut at)?;
        if marker == END {
            let frame = frame.ok_or("it has no frame header")?;
            if frame.components.iter().any(|component| component.missing_bits[0] == NOTHING) {
                return Err("a colour component is missing".to_owned());
            }
            let missing =
                |component: &Component| component.missing_bits.iter().any(|bits| *bits > 0);
            return if frame.components.iter().any(missing) {
                Err("scans are missing that make it sharp".to_owned())
            } else {
                Ok(())
            };
        }
        let length = file.get(at..at + 2).map(|two| usize::from(two[0]) << 8 | usize::from(two[1]));
        let length = length.filter(|length| *length >= 2).ok_or(CUT)?;
        let segment = file.get(at + 2..at + length).ok_or(CUT)?;
        at += length;
        match marker {
            0xc0..=0xc2 if frame.is_none() => match Frame::read(marker == 0xc2, segment)? {
                Some(new) => frame = Some(new),
                None => return Ok(()),
            },
            0xc4 => tables.read_huffman(segment)?,
            // Other processes (lossless, hierarchical, arithmetic), and the height behind the first scan.
            0xc3 | 0xc5..=0xcb | 0xcd..=0xcf | 0xdc => return Ok(()),
            0xc0..=0xc2 => return Err("it has two frame headers".to_owned()),
            0xdb => check_quantization(segment)?,
            0xdd => {
                let [high, low] = *segment else {
                    return Err("a restart interval is damaged".into());
                };
                tables.restart_interval = usize::from(high) << 8 | usize::from(low);
            }
            0xda => {
                let frame = frame.as_mut().ok_or("a scan stands before the frame header")?;
                at = frame.read_scan(&tables, segment, file, at)?;
            }
            _ => {}
        }
    }
}

/// Returns the next marker that is not part of a scan, and moves behind it.
fn next_marker(file: &[u8], at: &mut usize) -> Result<u8, String> {
    if *file.get(*at).ok_or(CUT)? != 0xff {
        return Err(format!("there is no marker at byte {at}"));
    }
    while *file.get(*at).ok_or(CUT)? == 0xff {
        *at += 1;
    }
    let marker = file[*at];
    *at += 1;
    match marker {
        0 | 1 | 0xd0..=0xd8 => {
            Err(format!("there is a marker at byte {at} that does not belong there"))
        }
        _ => Ok(marker),
    }
}

fn check_quantization(mut segment: &[u8]) -> Result<(), String> {
    while let Some((kind, rest)) = segment.split_first() {
        let bytes = if kind >> 4 == 0 { 1 } else { 2 };
        let steps = rest.get(..64 * bytes).ok_or("a quantization table is cut")?;
        if steps.chunks(bytes).any(|step| step.iter().all(|byte| *byte == 0)) {
            return Err("a quantization table is damaged".to_owned());
        }
        segment = &rest[64 * bytes..];
    }
    Ok(())
}

#[derive(Default)]
struct Tables {
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    /// How many units stand between two restart markers; 0 for no markers.
    restart_interval: usize,
}

impl Tables {
    fn read_huffman(&mut self, mut segment: &[u8]) -> Result<(), String> {
        const DAMAGED: &str = "a Huffman table is damaged";
        while let Some((kind, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_at_checked(16).ok_or(DAMAGED)?;
            let symbols = counts.iter().map(|count| usize::from(*count)).sum();
            let symbols = rest.get(..symbols).ok_or(DAMAGED)?;
            let tables = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let table = tables.get_mut(usize::from(kind & 15)).ok_or(DAMAGED)?;
            *table = Some(Huffman::new(counts, symbols).ok_or(DAMAGED)?);
            segment = &rest[symbols.len()..];
        }
        Ok(())
    }
}

/// For every 16 bits the symbol that they begin with, and its length above it; 0 where no code fits.
struct Huffman(Vec<u16>);

impl Huffman {
    fn new(counts: &[u8], symbols: &[u8]) -> Option<Self> {
        // A table that was overwritten has a symbol twice.
        if symbols.iter().enumerate().any(|(at, symbol)| symbols[..at].contains(symbol)) {
            return None;
        }
        let mut table = vec![0; 1 << 16];
        let (mut at, mut symbols) = (0, symbols.iter());
        for (length, count) in (1_u16..).zip(counts) {
            for symbol in symbols.by_ref().take(usize::from(*count)) {
                let end = at + (1 << (16 - length));
                table.get_mut(at..end)?.fill(length << 8 | u16::from(*symbol));
                at = end;
            }
        }
        Some(Self(table))
    }
}

struct Component {
    id: u8,
    /// Blocks in a unit of a scan with several components.
    sampling: (usize, usize),
    /// Blocks in the component itself.
    blocks: (usize, usize),
    /// Blocks in a row with those that fill up the last unit.
    stride: usize,
    /// For each block of a progressive picture, which coefficients are not 0.
    nonzero: Vec<u64>,
    /// How many bits each coefficient lacks still.
    missing_bits: [u8; 64],
}

struct Frame {
    progressive: bool,
    /// Units in a scan with several components.
    units: (usize, usize),
    components: Vec<Component>,
}

impl Frame {
    /// Reads a frame header; nothing where the picture has other than 8 bits, or no height yet.
    fn read(progressive: bool, segment: &[u8]) -> Result<Option<Self>, String> {
        const DAMAGED: &str = "the frame header is damaged";
        let (head, components) = segment.split_at_checked(6).ok_or(DAMAGED)?;
        let side = |at: usize| usize::from(head[at]) << 8 | usize::from(head[at + 1]);
        let (height, width) = (side(1), side(3));
        if head[0] != 8 || height == 0 {
            return Ok(None);
        }
        let components = components.get(..3 * usize::from(head[5])).ok_or(DAMAGED)?;
        let sampling = |three: &[u8]| (usize::from(three[1] >> 4), usize::from(three[1] & 15));
        let wrong = |(h, v)| !(1..=4).contains(&h) || !(1..=4).contains(&v);
        let all = || components.chunks_exact(3).map(sampling);
        let most = (all().map(|(h, _)| h).max(), all().map(|(_, v)| v).max());
        let (Some(widest), Some(highest)) = most else { return Err(DAMAGED.to_owned()) };
        if width == 0 || components.len() > 12 || all().any(wrong) {
            return Err(DAMAGED.to_owned());
        }
        let units = (width.div_ceil(8 * widest), height.div_ceil(8 * highest));
        let component = |three: &[u8]| {
            let (h, v) = sampling(three);
            let stride = units.0 * h;
            Component {
                id: three[0],
                sampling: (h, v),
                blocks: ((width * h).div_ceil(8 * widest), (height * v).div_ceil(8 * highest)),
                stride,
                nonzero: if progressive { vec![0; stride * units.1 * v] } else { Vec::new() },
                missing_bits: [NOTHING; 64],
            }
        };
        let components = components.chunks_exact(3).map(component).collect();
        Ok(Some(Self { progressive, units, components }))
    }

    /// Reads a scan whose codes begin at a position, and returns the position of the marker behind it.
    fn read_scan(
        &mut self,
        tables: &Tables,
        header: &[u8],
        file: &[u8],
        at: usize,
    ) -> Result<usize, String> {
        const DAMAGED: &str = "a scan header is damaged";
        let (count, rest) = header.split_first().ok_or(DAMAGED)?;
        let (chosen, rest) = rest.split_at_checked(2 * usize::from(*count)).ok_or(DAMAGED)?;
        let [first, last, approximation] = *rest else { return Err(DAMAGED.to_owned()) };
        let band = if self.progressive { (first, last) } else { (0, 63) };
        let (first, last) = (u32::from(band.0), u32::from(band.1));
        if first > last || last > 63 || (self.progressive && first == 0 && last != 0) {
            return Err(DAMAGED.to_owned());
        }
        let mut parts = Vec::new();
        for two in chosen.chunks_exact(2) {
            let index = self.components.iter().position(|component| component.id == two[0]);
            let index = index.ok_or(DAMAGED)?;
            let bits = if self.progressive { approximation & 15 } else { 0 };
            self.components[index].missing_bits[first as usize..=last as usize].fill(bits);
            let table = |tables: &'_ [Option<Huffman>; 4], number: u8| {
                usize::from(number).min(tables.len() - 1)
            };
            parts.push(Part {
                index,
                dc: tables.dc[table(&tables.dc, two[1] >> 4)].as_ref(),
                ac: tables.ac[table(&tables.ac, two[1] & 15)].as_ref(),
                predicted: 0,
            });
        }
        if parts.is_empty() || (parts.len() > 1 && first > 0) {
            return Err(DAMAGED.to_owned());
        }
        let alone = parts.len() == 1;
        let units = if alone { self.components[parts[0].index].blocks } else { self.units };
        let refines = self.progressive && approximation >> 4 != 0;
        // Zeros that mean flat blocks can be many, and so can bits that refine first coefficients. Otherwise zeros are a
        // coefficient each, of which no picture has as many.
        let flat = |part: &Part<'_>| {
            let zeros = |table: Option<&Huffman>| table.map_or(0, |table| table.0[0] as u8);
            (first > 0 || zeros(part.dc) == 0) && (last == 0 || zeros(part.ac) & 15 == 0)
        };
        let can_be_many = (refines && first == 0) || parts.iter().all(flat);
        let most_zeros = if can_be_many { u32::MAX } else { MOST_ZEROS };
        let mut scan = Scan {
            codes: Codes { file, at, bits: 0, count: 0, zeros: 0, most_zeros },
            progressive: self.progressive,
            refines,
            shift: if self.progressive { u32::from(approximation & 15) } else { 0 },
            band: (first, last),
            blocks_to_skip: 0,
        };
        let (mut done, mut restarts) = (0, 0_u8);
        for row in 0..units.1 {
            for column in 0..units.0 {
                if tables.restart_interval != 0 && done == tables.restart_interval {
                    scan.restart(restarts)?;
                    restarts = (restarts + 1) % 8;
                    done = 0;
                    parts.iter_mut().for_each(|part| part.predicted = 0);
                }
                done += 1;
                for part in &mut parts {
                    let component = &mut self.components[part.index];
                    let (h, v) = if alone { (1, 1) } else { component.sampling };
                    for block in 0..h * v {
                        let (y, x) = (row * v + block / h, column * h + block % h);
                        let mut none = 0;
                        let nonzero = component.nonzero.get_mut(y * component.stride + x);
                        scan.block(part, nonzero.unwrap_or(&mut none))?;
                    }
                }
            }
        }
        scan.end()
    }
}

/// A component in a scan.
struct Part<'a> {
    index: usize,
    dc: Option<&'a Huffman>,
    ac: Option<&'a Huffman>,
    predicted: i32,
}

struct Scan<'a> {
    codes: Codes<'a>,
    progressive: bool,
    refines: bool,
    shift: u32,
    /// The first and the last coefficient.
    band: (u32, u32),
    /// How many further blocks have no coefficient in this band.
    blocks_to_skip: u32,
}

impl Scan<'_> {
    fn block(&mut self, part: &mut Part<'_>, nonzero: &mut u64) -> Result<(), String> {
        let (mut first, last) = self.band;
        if first == 0 {
            self.dc(part)?;
            first = 1;
        }
        if last == 0 {
            return Ok(());
        }
        let ac = part.ac.ok_or("a Huffman table is missing")?;
        if self.refines { self.refine(ac, first, nonzero) } else { self.ac(ac, first, nonzero) }
    }

    fn dc(&mut self, part: &mut Part<'_>) -> Result<(), String> {
        if self.refines {
            return self.codes.take(1).map(drop);
        }
        let length = u32::from(self.codes.symbol(part.dc.ok_or("a Huffman table is missing")?)?);
        if length > 11 {
            return Err(WRONG_CODE.to_owned());
        }
        let bits = self.codes.take(length)?.cast_signed();
        let is_negative = length > 0 && bits >> (length - 1) == 0;
        part.predicted += if is_negative { bits - (1 << length) + 1 } else { bits };
        if (part.predicted << self.shift).abs() > MOST_DC {
            return Err(WRONG_CODE.to_owned());
        }
        Ok(())
    }

    fn ac(&mut self, table: &Huffman, first: u32, nonzero: &mut u64) -> Result<(), String> {
        if self.blocks_to_skip > 0 {
            self.blocks_to_skip -= 1;
            return Ok(());
        }
        let (mut at, last) = (first, self.band.1);
        while at <= last {
            let symbol = self.codes.symbol(table)?;
            let (run, length) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            match (run, length) {
                (15, 0) => at += 16,
                (0, 0) => break,
                (_, 0) if self.progressive => {
                    self.blocks_to_skip = (1 << run) - 1 + self.codes.take(run)?;
                    break;
                }
                (_, 1..=10) if at + run <= last => {
                    self.codes.take(length)?;
                    at += run;
                    *nonzero |= 1 << at;
                    at += 1;
                }
                _ => return Err(WRONG_CODE.to_owned()),
            }
        }
        Ok(())
    }

    fn refine(&mut self, table: &Huffman, first: u32, nonzero: &mut u64) -> Result<(), String> {
        let (mut at, last) = (first, self.band.1);
        while at <= last && self.blocks_to_skip == 0 {
            let symbol = self.codes.symbol(table)?;
            let (mut run, length) = (u32::from(symbol >> 4), symbol & 15);
            match (run, length) {
                (15, 0) => {}
                (_, 0) => {
                    self.blocks_to_skip = (1 << run) + self.codes.take(run)?;
                    break;
                }
                (_, 1) => drop(self.codes.take(1)?),
                _ => return Err(WRONG_CODE.to_owned()),
            }
            // A coefficient that is not 0 has a bit of its own, and does not count in a run.
            while at <= last {
                if *nonzero >> at & 1 == 1 {
                    self.codes.take(1)?;
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                at += 1;
            }
            if length == 1 {
                if at > last {
                    return Err(WRONG_CODE.to_owned());
                }
                *nonzero |= 1 << at;
            }
            at += 1;
        }
        if self.blocks_to_skip > 0 {
            for at in at..=last {
                self.codes.take((*nonzero >> at & 1) as u32)?;
            }
            self.blocks_to_skip -= 1;
        }
        Ok(())
    }

    /// Reads a restart marker.
    fn restart(&mut self, number: u8) -> Result<(), String> {
        let mut at = self.end()?;
        while self.codes.file.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        if self.codes.file.get(at + 1) != Some(&(0xd0 + number)) {
            return Err(format!("a restart marker is missing at byte {at}"));
        }
        self.codes = Codes { at: at + 2, bits: 0, count: 0, zeros: 0, ..self.codes };
        Ok(())
    }

    /// Checks that the codes end here, and returns where the marker begins.
    fn end(&mut self) -> Result<usize, String> {
        self.codes.fill();
        if self.blocks_to_skip > 0 {
            return Err(WRONG_CODE.to_owned());
        }
        // Bits that fill up the last byte; some encoders add a whole one.
        if self.codes.count >= 16 {
            return Err(format!(
                "its data does not end with its last block, at byte {}",
                self.codes.at
            ));
        }
        if self.codes.at >= self.codes.file.len() || self.codes.zeros > self.codes.most_zeros {
            return Err(self.codes.ended());
        }
        Ok(self.codes.at)
    }
}

/// The bits of a scan, up to the next marker.
#[derive(Clone, Copy)]
struct Codes<'a> {
    file: &'a [u8],
    at: usize,
    /// The next bits, the first of them the highest of `count`.
    bits: u64,
    count: u32,
    /// How many bytes of zeros were the last ones.
    zeros: u32,
    /// How many of them there may be.
    most_zeros: u32,
}

impl Codes<'_> {
    fn fill(&mut self) {
        while self.count <= 48 {
            let Some(byte) = self.file.get(self.at) else { return };
            if self.zeros > self.most_zeros {
                return;
            }
            self.zeros = if *byte == 0 { self.zeros + 1 } else { 0 };
            if *byte == 0xff {
                if self.file.get(self.at + 1) != Some(&0) {
                    return;
                }
                self.at += 1;
            }
            self.at += 1;
            self.bits = self.bits << 8 | u64::from(*byte);
            self.count += 8;
        }
    }

    fn symbol(&mut self, table: &Huffman) -> Result<u8, String> {
        if self.count < 16 {
            self.fill();
        }
        let next = if self.count >= 16 {
            self.bits >> (self.count - 16)
        } else {
            self.bits << (16 - self.count)
        };
        let [symbol, length] = table.0[usize::from(next as u16)].to_le_bytes();
        match u32::from(length) {
            0 if self.count >= 16 => Err(WRONG_CODE.to_owned()),
            length if length == 0 || length > self.count => Err(self.ended()),
            length => {
                self.count -= length;
                Ok(symbol)
            }
        }
    }

    fn take(&mut self, length: u32) -> Result<u32, String> {
        if self.count < length {
            self.fill();
            if self.count < length {
                return Err(self.ended());
            }
        }
        self.count -= length;
        Ok((self.bits >> self.count & ((1 << length) - 1)) as u32)
    }

    fn ended(&self) -> String {
        if self.at >= self.file.len() {
            CUT.to_owned()
        } else if self.zeros > self.most_zeros {
            format!("a part of its data is missing, at byte {}", self.at)
        } else {
            format!("its data ends before its last block, at byte {}", self.at)
        }
    }
}

const END: u8 = 0xd9;

/// The missing bits of a coefficient of which no scan had any.
const NOTHING: u8 = u8::MAX;

/// The largest DC coefficient of 8-bit samples, with room for encoders that round.
const MOST_DC: i32 = 2_047;

/// The longest run of bytes of zeros in a scan where zeros are coefficients: a whole block of them has 24.
const MOST_ZEROS: u32 = 30;

const CUT: &str = "it ends before the end of the picture";
const WRONG_CODE: &str = "its data holds a code that cannot be";
