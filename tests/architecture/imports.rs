//! Reads `src/` with a parser: which file names what that which other file defines.
//!
//! Test code is left out. A re-export is followed to the file that defines the item, and is no import itself.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree, Visibility};

/// What the files of `src/` name. Files are written as paths below `src/`, with slashes.
#[derive(Default)]
pub struct Sources {
    /// For each file the files that it imports from, and the names of what it imports.
    pub imports: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// For each file the full paths of what it names of other crates, such as `std::io::stdout`, and macros: `println!`.
    pub foreign: BTreeMap<String, BTreeSet<String>>,
}

impl Sources {
    /// Reads the crate whose root this folder holds.
    pub fn read(root: &Path) -> Self {
        let mut tree = Tree::default();
        tree.file(&[], &root.join("lib.rs"), root);
        let mut sources = Self::default();
        for named in &tree.named {
            let module = &tree.modules[&named.module];
            match tree.resolve(&named.module, &named.path, 0) {
                Some(Target::Item(file, item)) if file != module.file && !named.exported => {
                    let imports = sources.imports.entry(module.file.clone()).or_default();
                    imports.entry(file).or_default().insert(item);
                }
                Some(Target::Item(..) | Target::Module) => {}
                Some(Target::Foreign(path)) => {
                    sources.foreign.entry(module.file.clone()).or_default().insert(path);
                }
                None => {}
            }
        }
        sources
    }

    /// Returns the sets of files that import each other in a circle.
    pub fn circles(&self) -> BTreeSet<Vec<&str>> {
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            self.imports.keys().map(|file| (file.as_str(), self.reached_from(file))).collect();
        let mut circles = BTreeSet::new();
        for (file, reached) in &reach {
            if reached.contains(file) {
                let back = |other: &&&str| reach.get(**other).is_some_and(|r| r.contains(file));
                circles.insert(reached.iter().filter(back).copied().collect());
            }
        }
        circles
    }

    fn reached_from<'a>(&'a self, file: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file];
        while let Some(next) = open.pop() {
            let imported = self.imports.get(next).into_iter().flat_map(BTreeMap::keys);
            open.extend(imported.map(String::as_str).filter(|file| reached.insert(*file)));
        }
        reached
    }

    /// Writes down the imports among the files of a circle.
    pub fn describe(&self, circle: &[&str]) -> String {
        let mut lines = vec![format!("circle of {} files:", circle.len())];
        for from in circle {
            for (to, items) in &self.imports[*from] {
                if circle.contains(&to.as_str()) {
                    let items: Vec<&str> = items.iter().map(String::as_str).collect();
                    lines.push(format!("  {from} → {to}: {}", items.join(", ")));
                }
            }
        }
        lines.join("\n")
    }
}

type Name = Vec<String>;

#[derive(Default)]
struct Tree {
    modules: BTreeMap<Name, Module>,
    named: Vec<Named>,
}

#[derive(Default)]
struct Module {
    file: String,
    items: BTreeSet<String>,
    aliases: BTreeMap<String, Name>,
    globs: Vec<Name>,
}

/// A path that stands somewhere in a module.
struct Named {
    module: Name,
    path: Name,
    exported: bool,
}

enum Target {
    Item(String, String),
    Module,
    Foreign(String),
}

impl Tree {
    fn file(&mut self, module: &[String], path: &Path, root: &Path) {
        let text = std::fs::read_to_string(path).unwrap();
        let parsed = syn::parse_file(&text).unwrap();
        let file = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        let stem = path.file_stem().unwrap();
        let folder = path.parent().unwrap();
        let below =
            if stem == "mod" || stem == "lib" { folder.to_owned() } else { folder.join(stem) };
        let place = Place { file: &file, folder, below: &below, root };
        self.items(module, &parsed.items, &place);
    }

    fn items(&mut self, name: &[String], items: &[Item], place: &Place<'_>) {
        let module = self.modules.entry(name.to_owned()).or_default();
        place.file.clone_into(&mut module.file);
        let mut visitor = Paths { tree: self, module: name, exported: false };
        for item in items {
            let (attributes, defined) = head(item);
            if for_tests(attributes) {
                continue;
            }
            if let Some(defined) = defined {
                visitor.tree.modules.get_mut(name).unwrap().items.insert(defined);
            }
            let Item::Mod(inner) = item else {
                visitor.visit_item(item);
                continue;
            };
            let child = [name, &[inner.ident.to_string()]].concat();
            let below = place.below.join(inner.ident.to_string());
            match &inner.content {
                Some((_, items)) => {
                    visitor.tree.items(&child, items, &Place { below: &below, ..*place });
                }
                None => {
                    for file in files_of(attributes, &below, place.folder) {
                        visitor.tree.file(&child, &file, place.root);
                    }
                }
            }
        }
    }

    fn resolve(&self, from: &[String], path: &[String], depth: u32) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        if depth > 20 {
            return None;
        }
        match first.as_str() {
            "crate" => self.walk(&[], rest, depth),
            "self" => self.walk(from, rest, depth),
            "super" => self.resolve_from(from.split_last()?.1, rest, depth),
            _ => self.walk(from, path, depth).or_else(|| {
                let foreign = first.starts_with(|c: char| c.is_ascii_lowercase());
                (foreign && depth < 20).then(|| Target::Foreign(path.join("::")))
            }),
        }
    }

    fn resolve_from(&self, module: &[String], path: &[String], depth: u32) -> Option<Target> {
        match path.first().map(String::as_str) {
            Some("super") => self.resolve(module, path, depth),
            Some(_) | None => self.walk(module, path, depth),
        }
    }

    fn walk(&self, module: &[String], path: &[String], depth: u32) -> Option<Target> {
        let Some((first, rest)) = path.split_first() else {
            return Some(Target::Module);
        };
        let child = [module, std::slice::from_ref(first)].concat();
        if self.modules.contains_key(&child) {
            return self.walk(&child, rest, depth);
        }
        let here = self.modules.get(module)?;
        if here.items.contains(first) {
            return Some(Target::Item(here.file.clone(), first.clone()));
        }
        if let Some(alias) = here.aliases.get(first) {
            // `use x::x;` names the crate or the item, not itself.
            if alias.first() == Some(first) && alias.len() == 1 {
                return Some(Target::Foreign(path.join("::")));
            }
            return self.resolve(module, &[alias.as_slice(), rest].concat(), depth + 1);
        }
        here.globs.iter().find_map(|glob| {
            let found = self.resolve(module, &[glob.as_slice(), path].concat(), depth + 1);
            found.filter(|found| !matches!(found, Target::Foreign(_)))
        })
    }
}

/// Where the code of a module stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    file: &'a str,
    folder: &'a Path,
    below: &'a Path,
    root: &'a Path,
}

fn files_of(attributes: &[Attribute], below: &Path, folder: &Path) -> Vec<PathBuf> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("path")) {
        if let syn::Meta::NameValue(pair) = &attribute.meta
            && let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) = &pair.value
        {
            return vec![folder.join(path.value())];
        }
    }
    let either = [below.with_extension("rs"), below.join("mod.rs")];
    either.into_iter().filter(|file| file.exists()).collect()
}

fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || matches!(&attribute.meta, syn::Meta::List(list)
                if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
    })
}

/// Returns the attributes of an item, and the name that it defines.
fn head(item: &Item) -> (&[Attribute], Option<String>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Enum(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Fn(item) => (&item.attrs, Some(item.sig.ident.to_string())),
        Item::Macro(item) => (&item.attrs, item.ident.as_ref().map(ToString::to_string)),
        Item::Static(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Struct(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Trait(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Type(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Impl(item) => (&item.attrs, None),
        Item::Mod(item) => (&item.attrs, None),
        Item::Union(item) => (&item.attrs, Some(item.ident.to_string())),
        Item::Use(item) => (&item.attrs, None),
        // What the parser knows besides: items that define nothing that can be imported.
        Item::ExternCrate(_)
        | Item::ForeignMod(_)
        | Item::TraitAlias(_)
        | Item::Verbatim(_)
        | _ => (&[], None),
    }
}

/// Collects every path in a module.
struct Paths<'a> {
    tree: &'a mut Tree,
    module: &'a [String],
    exported: bool,
}

impl Paths<'_> {
    fn name(&mut self, path: Name) {
        let (module, exported) = (self.module.to_owned(), self.exported);
        self.tree.named.push(Named { module, path, exported });
    }

    fn used(&mut self, tree: &UseTree, mut before: Name) {
        let module = self.module.to_owned();
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.used(&path.tree, before);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.used(item, before.clone()));
            }
            UseTree::Glob(_) => self.tree.modules.get_mut(&module).unwrap().globs.push(before),
            UseTree::Name(syn::UseName { ident }) => self.alias(ident, ident, before),
            UseTree::Rename(syn::UseRename { ident, rename, .. }) => {
                self.alias(ident, rename, before);
            }
        }
    }

    fn alias(&mut self, ident: &syn::Ident, alias: &syn::Ident, mut path: Name) {
        let mut alias = alias.to_string();
        if ident == "self" {
            if alias == "self" {
                alias = path.last().unwrap().clone();
            }
        } else {
            path.push(ident.to_string());
        }
        let module = self.tree.modules.get_mut(self.module).unwrap();
        module.aliases.entry(alias).or_insert_with(|| path.clone());
        self.name(path);
    }

    /// Names the paths in the tokens of a macro or an attribute, which the parser leaves as they are.
    fn tokens(&mut self, text: &str) {
        let text = text.replace(" :: ", "::");
        for word in text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':') {
            let path: Name = word.split("::").map(str::to_owned).collect();
            let good = |part: &String| part.starts_with(|c: char| c.is_alphabetic() || c == '_');
            if path.len() > 1 && path.iter().all(|part| !part.contains(':') && good(part)) {
                self.name(path);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests(head(item).0) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.exported = !matches!(item.vis, Visibility::Inherited);
        self.used(&item.tree, Vec::new());
        self.exported = false;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.name(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let name = &mac.path.segments.last().unwrap().ident;
        self.name(vec![format!("{}!", name.to_string().to_lowercase())]);
        self.tokens(&mac.tokens.to_string());
        visit::visit_macro(self, mac);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.tokens(&list.tokens.to_string());
        }
        visit::visit_attribute(self, attribute);
    }
}
