//! Requests that their client may send so often, before anything is done for
//! them, and before their body is read.

use std::{marker::PhantomData, sync::Arc};

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{accounts::Caller, app::App, limits::Action, problem::Problem};

/// What a client may do so often.
pub trait Limited {
    /// What that is.
    const ACTION: Action;
}

macro_rules! limited {
    ($($name:ident)+) => {
        $(
            /// Its name says it.
            pub enum $name {}

            impl Limited for $name {
                const ACTION: Action = Action::$name;
            }
        )+
    };
}

limited!(Login Register Refresh);

/// The client may do `L` once more.
pub struct Admitted<L>(PhantomData<L>);

impl<L: Limited> FromRequestParts<Arc<App>> for Admitted<L> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Ok(caller) = Caller::from_request_parts(parts, app).await;
        app.limits.of_address(L::ACTION, caller.address)?;
        Ok(Self(PhantomData))
    }
}
