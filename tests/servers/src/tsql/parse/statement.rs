//! Statements.

use super::Parser;
use crate::tsql::ast::{Source, Statement};
use crate::tsql::error::Result;
use crate::tsql::lexer::Token;

impl Parser {
    pub(super) fn statement(&mut self) -> Result<Statement> {
        if matches!(self.peek(), Token::Mark("(")) {
            return self.query().map(|query| Statement::Query(Box::new(query)));
        }
        let Token::Word(word) = self.peek().clone() else { return Err(self.unexpected()) };
        match word.to_uppercase().as_str() {
            "SELECT" | "WITH" => self.query().map(|query| Statement::Query(Box::new(query))),
            "INSERT" => self.insert(),
            "UPDATE" => self.update(),
            "DELETE" => self.delete(),
            "TRUNCATE" => {
                self.at += 1;
                self.expect_word("TABLE")?;
                self.full_name().map(Statement::Truncate)
            }
            "CREATE" => self.create(),
            "DROP" => self.drop(),
            "DECLARE" => self.declare(),
            "SET" => self.set(),
            "BEGIN" => self.begin(),
            "COMMIT" => self.end_transaction(Statement::Commit),
            "ROLLBACK" => self.end_transaction(Statement::Rollback),
            "SAVE" => self.end_transaction(Statement::Save),
            "USE" => {
                self.at += 1;
                self.name().map(Statement::Use)
            }
            "IF" => self.nested(Self::branch),
            "PRINT" => {
                self.at += 1;
                self.expr().map(Statement::Print)
            }
            "THROW" => self.throw(),
            "RAISERROR" => self.raise_error(),
            "WAITFOR" => {
                self.at += 1;
                self.expect_word("DELAY")?;
                self.text().map(Statement::WaitFor)
            }
            "EXEC" | "EXECUTE" => self.execute(),
            _ => Err(self.unexpected()),
        }
    }

    fn insert(&mut self) -> Result<Statement> {
        self.at += 1;
        self.word("INTO");
        let table = self.full_name()?;
        let listed = matches!(self.peek(), Token::Mark("(")) && !self.at_query();
        let columns = if listed { self.names()? } else { Vec::new() };
        let source = if self.words(&["DEFAULT", "VALUES"]) {
            Source::DefaultValues
        } else {
            Source::Query(Box::new(self.query()?))
        };
        Ok(Statement::Insert { table, columns, source })
    }

    fn update(&mut self) -> Result<Statement> {
        self.at += 1;
        let table = self.full_name()?;
        self.expect_word("SET")?;
        let mut set = Vec::new();
        loop {
            let column = self.name()?;
            self.expect_mark("=")?;
            set.push((column, self.expr()?));
            if !self.mark(",") {
                break;
            }
        }
        let condition = if self.word("WHERE") { Some(self.expr()?) } else { None };
        Ok(Statement::Update { table, set, condition })
    }

    fn delete(&mut self) -> Result<Statement> {
        self.at += 1;
        let top = if self.word("TOP") { Some(self.top()?) } else { None };
        self.word("FROM");
        let table = self.full_name()?;
        let condition = if self.word("WHERE") { Some(self.expr()?) } else { None };
        Ok(Statement::Delete { table, top, condition })
    }

    fn declare(&mut self) -> Result<Statement> {
        self.at += 1;
        let mut variables = Vec::new();
        loop {
            let name = self.variable()?;
            self.word("AS");
            let ty = self.data_type()?;
            let value = if self.mark("=") { Some(self.expr()?) } else { None };
            variables.push((name, ty, value));
            if !self.mark(",") {
                return Ok(Statement::Declare(variables));
            }
        }
    }

    fn set(&mut self) -> Result<Statement> {
        self.at += 1;
        if matches!(self.peek(), Token::Variable(_)) {
            let name = self.variable()?;
            self.expect_mark("=")?;
            return Ok(Statement::SetVariable(name, self.expr()?));
        }
        if self.words(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
            let levels: [&[&str]; 5] = [
                &["READ", "UNCOMMITTED"],
                &["READ", "COMMITTED"],
                &["REPEATABLE", "READ"],
                &["SNAPSHOT"],
                &["SERIALIZABLE"],
            ];
            let level =
                levels.into_iter().find(|words| self.words(words)).ok_or_else(|| self.unexpected())?;
            return Ok(Statement::SetOption("TRANSACTION ISOLATION LEVEL".to_owned(), level.join(" ")));
        }
        if self.word("IDENTITY_INSERT") {
            let table = self.full_name()?;
            let on = self.word("ON");
            if !on {
                self.expect_word("OFF")?;
            }
            return Ok(Statement::IdentityInsert(table, on));
        }
        let mut options = vec![self.name()?.to_uppercase()];
        while self.mark(",") {
            options.push(self.name()?.to_uppercase());
        }
        let value = match self.next() {
            Token::Word(word)
                if matches!(word.to_uppercase().as_str(), "ON" | "OFF") || !super::is_reserved(&word) =>
            {
                word.to_uppercase()
            }
            Token::Number(number) => number,
            Token::Mark("-") => format!("-{}", self.whole::<i64>()?),
            Token::Text(text, _) => text,
            _ => {
                self.at -= 1;
                return Err(self.unexpected());
            }
        };
        Ok(Statement::SetOption(options.join(","), value))
    }

    fn begin(&mut self) -> Result<Statement> {
        self.at += 1;
        if self.is_word(0, "TRAN") || self.is_word(0, "TRANSACTION") {
            return self.transaction_name(Statement::Begin);
        }
        self.nested(|parser| {
            let mut block = Vec::new();
            loop {
                while parser.mark(";") {}
                if parser.word("END") {
                    return Ok(Statement::Block(block));
                }
                block.push(parser.statement()?);
            }
        })
    }

    fn end_transaction(&mut self, statement: Statement) -> Result<Statement> {
        self.at += 1;
        self.word("WORK");
        self.transaction_name(statement)
    }

    fn transaction_name(&mut self, statement: Statement) -> Result<Statement> {
        let named = self.word("TRAN") || self.word("TRANSACTION");
        if named && matches!(self.peek(), Token::Quoted(_)) {
            let _name = self.name()?;
        }
        Ok(statement)
    }

    fn branch(&mut self) -> Result<Statement> {
        self.at += 1;
        let condition = self.expr()?;
        let then = Box::new(self.statement()?);
        while matches!(self.peek(), Token::Mark(";")) && self.is_word(1, "ELSE") {
            self.at += 1;
        }
        let otherwise = if self.word("ELSE") { Some(Box::new(self.statement()?)) } else { None };
        Ok(Statement::If { condition, then, otherwise })
    }

    fn throw(&mut self) -> Result<Statement> {
        self.at += 1;
        let number = self.expr()?;
        self.expect_mark(",")?;
        let message = self.expr()?;
        self.expect_mark(",")?;
        Ok(Statement::Throw { number, message, state: self.expr()? })
    }

    fn raise_error(&mut self) -> Result<Statement> {
        self.at += 1;
        self.expect_mark("(")?;
        let message = self.expr()?;
        self.expect_mark(",")?;
        let class = self.expr()?;
        self.expect_mark(",")?;
        let state = self.expr()?;
        self.expect_mark(")")?;
        Ok(Statement::RaiseError { message, class, state })
    }

    fn execute(&mut self) -> Result<Statement> {
        self.at += 1;
        if self.mark("(") {
            let text = self.expr()?;
            self.expect_mark(")")?;
            return Ok(Statement::Execute { arguments: vec![(None, text)], procedure: String::new() });
        }
        let procedure = self.full_name()?.pop().unwrap_or_default();
        let mut arguments = Vec::new();
        while matches!(self.peek(), Token::Text(..) | Token::Variable(_) | Token::Number(_)) {
            let named = matches!((self.peek(), self.peek_at(1)), (Token::Variable(_), Token::Mark("=")));
            let name = if named { Some(self.variable()?) } else { None };
            self.at += usize::from(named);
            arguments.push((name, self.expr()?));
            if !self.mark(",") {
                break;
            }
        }
        Ok(Statement::Execute { arguments, procedure })
    }
}
