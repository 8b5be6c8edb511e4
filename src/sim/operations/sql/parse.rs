//! Reads a SELECT statement.

/// A SELECT statement.
#[derive(Debug)]
pub(super) struct Select {
    pub(super) skip: usize,
    pub(super) first: usize,
    pub(super) columns: Columns,
    pub(super) table: Source,
    pub(super) joins: Vec<Join>,
    pub(super) condition: Option<Condition>,
    pub(super) order: Vec<(Column, bool)>,
}

/// What is selected.
#[derive(Debug)]
pub(super) enum Columns {
    /// `*`.
    All,
    /// `count(*)`, under this name.
    Count(String),
    /// Columns, each under a name.
    Some(Vec<(Column, String)>),
}

/// A table and the name it goes by.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) table: String,
    pub(super) alias: String,
}

/// A joined table.
#[derive(Debug)]
pub(super) struct Join {
    pub(super) outer: bool,
    pub(super) source: Source,
    pub(super) left: Column,
    pub(super) right: Column,
}

/// A column, with the alias of its table if one is given.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) table: Option<String>,
    pub(super) name: String,
}

/// A condition on rows.
#[derive(Debug)]
pub(super) enum Condition {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare(Value, Comparison, Value),
    In(Value, Vec<Value>),
    Like(Value, String),
    Null(Value),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Unequal,
}

/// A value in a condition.
#[derive(Debug)]
pub(super) enum Value {
    Column(Column),
    Literal(String),
    Lower(Box<Self>),
    Upper(Box<Self>),
}

/// The text is no statement that the simulator knows.
#[derive(Debug)]
pub(super) struct SyntaxError;

/// Reads a statement.
pub(super) fn select(text: &str) -> Result<Select, SyntaxError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let select = parser.select()?;
    parser.take(";");
    if parser.at == parser.tokens.len() { Ok(select) } else { Err(SyntaxError) }
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A word in lower case, a number, or punctuation.
    Plain(String),
    /// A text in quotes.
    Text(String),
}

fn tokens(text: &str) -> Result<Vec<Token>, SyntaxError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            continue;
        }
        if c == '\'' || c == '"' {
            let mut inner = String::new();
            loop {
                match chars.next() {
                    // A doubled quote is one quote.
                    Some(q) if q == c && chars.peek() == Some(&c) => {
                        chars.next();
                        inner.push(c);
                    }
                    Some(q) if q == c => break,
                    Some(other) => inner.push(other),
                    None => return Err(SyntaxError),
                }
            }
            tokens.push(Token::Text(inner));
            continue;
        }
        let mut token = c.to_lowercase().to_string();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if is_word(c) {
            while let Some(&next) = chars.peek().filter(|&&next| is_word(next)) {
                token.extend(next.to_lowercase());
                chars.next();
            }
        } else if let Some(&next) = chars.peek()
            && matches!((c, next), ('<', '=' | '>') | ('>' | '!', '='))
        {
            token.push(next);
            chars.next();
        }
        tokens.push(Token::Plain(token));
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &str {
        match self.tokens.get(self.at) {
            Some(Token::Plain(token)) => token,
            Some(Token::Text(_)) | None => "",
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        if found {
            self.at += 1;
        }
        found
    }

    fn need(&mut self, token: &str) -> Result<(), SyntaxError> {
        if self.take(token) { Ok(()) } else { Err(SyntaxError) }
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        let token = self.peek();
        let starts = token.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !starts || RESERVED.contains(&token) {
            return Err(SyntaxError);
        }
        let name = token.to_owned();
        self.at += 1;
        Ok(name)
    }

    fn number(&mut self) -> Result<usize, SyntaxError> {
        let number = self.peek().parse().map_err(|_| SyntaxError)?;
        self.at += 1;
        Ok(number)
    }

    fn select(&mut self) -> Result<Select, SyntaxError> {
        self.need("select")?;
        let skip = if self.take("skip") { self.number()? } else { 0 };
        let first =
            if self.take("first") || self.take("limit") { self.number()? } else { usize::MAX };
        let columns = self.columns()?;
        self.need("from")?;
        let table = self.source()?;
        let mut joins = Vec::new();
        while let Some(join) = self.join()? {
            joins.push(join);
        }
        let condition = if self.take("where") { Some(self.any()?) } else { None };
        let mut order = Vec::new();
        if self.take("order") {
            self.need("by")?;
            loop {
                let column = self.column()?;
                let down = self.take("desc");
                if !down {
                    self.take("asc");
                }
                order.push((column, down));
                if !self.take(",") {
                    break;
                }
            }
        }
        Ok(Select { skip, first, columns, table, joins, condition, order })
    }

    fn columns(&mut self) -> Result<Columns, SyntaxError> {
        if self.take("*") {
            return Ok(Columns::All);
        }
        if self.take("count") {
            self.need("(")?;
            self.need("*")?;
            self.need(")")?;
            let name = if self.take("as") { self.name()? } else { "count".to_owned() };
            return Ok(Columns::Count(name));
        }
        let mut columns = Vec::new();
        loop {
            let column = self.column()?;
            let named = self.take("as") || self.peek() != "," && self.peek() != "from";
            let name = if named { self.name()? } else { column.name.clone() };
            columns.push((column, name));
            if !self.take(",") {
                return Ok(Columns::Some(columns));
            }
        }
    }

    fn source(&mut self) -> Result<Source, SyntaxError> {
        let table = self.name()?;
        self.take("as");
        let alias = self.name().unwrap_or_else(|SyntaxError| table.clone());
        Ok(Source { table, alias })
    }

    fn join(&mut self) -> Result<Option<Join>, SyntaxError> {
        let outer = self.take("left");
        if outer {
            self.take("outer");
        } else if !self.take("inner") && self.peek() != "join" {
            return Ok(None);
        }
        self.need("join")?;
        let source = self.source()?;
        self.need("on")?;
        let bracket = self.take("(");
        let left = self.column()?;
        self.need("=")?;
        let right = self.column()?;
        if bracket {
            self.need(")")?;
        }
        Ok(Some(Join { outer, source, left, right }))
    }

    fn column(&mut self) -> Result<Column, SyntaxError> {
        let name = self.name()?;
        if self.take(".") {
            return Ok(Column { table: Some(name), name: self.name()? });
        }
        Ok(Column { table: None, name })
    }

    fn any(&mut self) -> Result<Condition, SyntaxError> {
        let mut condition = self.every()?;
        while self.take("or") {
            condition = Condition::Or(Box::new(condition), Box::new(self.every()?));
        }
        Ok(condition)
    }

    fn every(&mut self) -> Result<Condition, SyntaxError> {
        let mut condition = self.single()?;
        while self.take("and") {
            condition = Condition::And(Box::new(condition), Box::new(self.single()?));
        }
        Ok(condition)
    }

    fn single(&mut self) -> Result<Condition, SyntaxError> {
        if self.take("(") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(SyntaxError);
            }
            let condition = self.any()?;
            self.depth -= 1;
            self.need(")")?;
            return Ok(condition);
        }
        let value = self.value()?;
        if self.take("is") {
            let not = self.take("not");
            self.need("null")?;
            return Ok(negated(not, Condition::Null(value)));
        }
        let not = self.take("not");
        if self.take("like") {
            let Some(Token::Text(pattern)) = self.tokens.get(self.at) else {
                return Err(SyntaxError);
            };
            let condition = Condition::Like(value, pattern.clone());
            self.at += 1;
            return Ok(negated(not, condition));
        }
        if self.take("in") {
            self.need("(")?;
            let mut values = vec![self.value()?];
            while self.take(",") {
                values.push(self.value()?);
            }
            self.need(")")?;
            return Ok(negated(not, Condition::In(value, values)));
        }
        if not {
            return Err(SyntaxError);
        }
        let comparison = match self.peek() {
            "=" => Comparison::Equal,
            "!=" | "<>" => Comparison::Unequal,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return Err(SyntaxError),
        };
        self.at += 1;
        Ok(Condition::Compare(value, comparison, self.value()?))
    }

    fn value(&mut self) -> Result<Value, SyntaxError> {
        if let Some(Token::Text(text)) = self.tokens.get(self.at) {
            let literal = Value::Literal(text.clone());
            self.at += 1;
            return Ok(literal);
        }
        if self.peek().parse::<u64>().is_ok() {
            let literal = Value::Literal(self.peek().to_owned());
            self.at += 1;
            return Ok(literal);
        }
        for lower in [true, false] {
            if self.take(if lower { "lower" } else { "upper" }) {
                self.need("(")?;
                // One level is enough for anybody: no other function is known here.
                let inner = Box::new(match self.tokens.get(self.at) {
                    Some(Token::Text(text)) => {
                        let literal = Value::Literal(text.clone());
                        self.at += 1;
                        literal
                    }
                    Some(_) | None => Value::Column(self.column()?),
                });
                self.need(")")?;
                return Ok(if lower { Value::Lower(inner) } else { Value::Upper(inner) });
            }
        }
        Ok(Value::Column(self.column()?))
    }
}

fn negated(not: bool, condition: Condition) -> Condition {
    if not { Condition::Not(Box::new(condition)) } else { condition }
}

const MAX_DEPTH: usize = 32;

const RESERVED: [&str; 22] = [
    "and", "as", "asc", "by", "desc", "from", "group", "having", "in", "inner", "is", "join",
    "left", "like", "not", "null", "on", "or", "order", "outer", "select", "where",
];
